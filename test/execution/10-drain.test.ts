import { afterAll, beforeAll, expect, test } from 'vitest';
import { noop, sleep } from '../../packs/diag/tasks.ts';
import { waitsInProcess } from '../fixtures/faults.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { startWorkerProcess, whenRunning } from '../worker/processes.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const row = async (id: string) =>
  (await lab.sql('SELECT state, attempt, failures, crashes FROM lovage.task WHERE id = $1', [id]))[0];
/** What a test leaves running would be rescued by the worker of the next. */
const cancelAll = () => lab.sql('SELECT lovage.cancel(id) FROM lovage.task WHERE NOT lovage.is_final(state)');
const draining = (text: string) => text.includes('draining');

test('SIGTERM lets running tasks finish, claims no more, and ends with code 0', async () => {
  const worker = await startWorkerProcess(lab);
  const running = await lab.enqueue(sleep, { ms: 800 });
  await whenRunning(lab, running.id);
  worker.child.kill('SIGTERM');
  await until(() => worker.output(), draining);
  const late = await lab.enqueue(noop, {});

  expect(await worker.exited).toBe(0);
  expect(await lab.get(running.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(await lab.get(late.id)).toMatchObject({ state: 'queued', attempt: 0 });
  expect(
    await lab.sql('SELECT stopped_at IS NOT NULL AS stopped, lost_at FROM lovage.worker WHERE id = $1', [
      worker.id,
    ]),
  ).toEqual([{ stopped: true, lost_at: null }]);
});

test('past the grace running tasks are stopped and handed back, at no cost to their retries', async () => {
  const worker = await startWorkerProcess(lab, [], { LOVAGE_DRAIN_MS: '200' });
  const obedient = await lab.enqueue(sleep, { ms: 2_500 });
  const deaf = await lab.enqueue(sleep, { ms: 60_000, obeySignal: false });
  const child = await lab.enqueue(waitsInProcess, {});
  for (const { id } of [obedient, deaf, child]) await whenRunning(lab, id);
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
  for (const { id } of [obedient, deaf, child]) {
    expect(await row(id)).toEqual({ state: 'queued', attempt: 1, failures: 0, crashes: 0 });
    expect((await lab.events(id)).at(-1)).toMatchObject({
      type: 'handed_back',
      attempt: 1,
      data: { reason: 'its worker is shutting down' },
    });
  }

  const next = await startWorkerProcess(lab, ['--queues', 'diag']);
  expect(await lab.final(obedient.id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  await until(
    () => row(deaf.id),
    (task) => task?.['attempt'] === 2,
  );
  next.child.kill('SIGKILL');
  await cancelAll();
});

test('an attempt past its hard limit has failed by it, whatever ends its worker', async () => {
  const worker = await startWorkerProcess(lab, [], { LOVAGE_DRAIN_MS: '0' });
  const late = await lab.enqueue(sleep, { ms: 60_000, obeySignal: false }, { hardLimitMs: 100 });
  await until(
    () => lab.eventTypes(late.id),
    (types) => types.at(-1) === 'overdue',
  );
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
  expect(await row(late.id)).toEqual({ state: 'retrying', attempt: 1, failures: 1, crashes: 0 });
  expect((await lab.get(late.id)).error).toMatchObject({ code: 'time_limit' });
  await cancelAll();
});

test('what could not be handed back is rescued later: a worker that leaves it says no goodbye', async () => {
  const worker = await startWorkerProcess(lab, ['--queues', 'spare,diag'], { LOVAGE_DRAIN_MS: '0' });
  const held = await lab.enqueue(sleep, { ms: 60_000 });
  await whenRunning(lab, held.id);
  const client = await lab.lovage.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM pgboss.job WHERE id = $1 FOR UPDATE', [held.id]);
  worker.child.kill('SIGTERM');
  await worker.exited;
  await client.query('ROLLBACK');
  client.release();

  const [{ stopped, state } = {}] = await lab.sql(
    `SELECT w.stopped_at IS NOT NULL AS stopped, t.state FROM lovage.worker w, lovage.task t WHERE w.id = $1 AND t.id = $2`,
    [worker.id, held.id],
  );
  // Its hand-back may still have gone through on the way out.
  expect(stopped === false || state === 'queued').toBe(true);
  await cancelAll();
});

test('a second signal, meant as such, ends the worker at once', async () => {
  const worker = await startWorkerProcess(lab);
  const { id } = await lab.enqueue(sleep, { ms: 60_000 });
  await whenRunning(lab, id);
  worker.child.kill('SIGTERM');
  await until(() => worker.output(), draining);
  const from = performance.now();
  await until(() => performance.now() - from > 550);
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(130);
  expect(worker.output()).toContain('second signal');
  await cancelAll();
});

test('signals that come twice in a row count as one', async () => {
  const worker = await startWorkerProcess(lab, ['--queues', 'spare,diag']);
  const { id } = await lab.enqueue(sleep, { ms: 1_500 });
  await whenRunning(lab, id);
  // The second reaches it a moment later: from npm, or from the terminal's whole group.
  worker.child.kill('SIGINT');
  worker.child.kill('SIGTERM');
  await until(() => worker.output(), draining);
  expect(await worker.exited).toBe(0);
  expect(await lab.get(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('nothing of this has broken an invariant', async () => {
  expect(await lab.violations()).toEqual([]);
});
