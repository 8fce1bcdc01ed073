import { afterAll, beforeAll, expect, test } from 'vitest';
import { noop, sleep, spin } from '../../packs/diag/tasks.ts';
import { cancelTask } from '../../src/tasks/cancel.ts';
import { waitsInProcess } from '../fixtures/faults.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { startWorkerProcess, whenRunning } from './processes.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
  await startWorkerProcess(lab);
});
afterAll(() => lab[Symbol.asyncDispose]());

const cancel = (id: string, reason?: string) => cancelTask(lab.lovage, lab.caller, id, { reason });

const msFromRequest = async (id: string) => {
  const [row] = await lab.sql<{ ms: number }>(
    `SELECT (extract(epoch FROM finished_at - cancel_requested_at) * 1000)::float8 AS ms FROM lovage.task WHERE id = $1`,
    [id],
  );
  return row?.ms;
};

test('a waiting task is cancelled at once', async () => {
  const { id } = await lab.enqueue(noop, {}, { delayMs: 60_000 });
  expect(await cancel(id, 'not needed')).toMatchObject({
    outcome: 'cancelled',
    task: { state: 'cancelled', attempt: 0, startedAt: null },
  });
  expect((await lab.events(id)).map(({ type, data }) => [type, data])).toEqual([
    ['queued', {}],
    ['cancelled', { by: 'key:test', reason: 'not needed' }],
  ]);
});

test('a running task gets its signal and ends as cancelled', async () => {
  const { id } = await lab.enqueue(sleep, { ms: 60_000 });
  await whenRunning(lab, id);
  const { outcome, task } = await cancel(id, 'enough');
  expect(outcome).toBe('requested');
  expect(task.cancelRequestedAt).not.toBeNull();
  expect(await lab.final(id)).toMatchObject({ state: 'cancelled', attempt: 1, result: null, error: null });
  expect(await msFromRequest(id)).toBeLessThan(1_000);
  expect((await lab.events(id)).map(({ type, data }) => [type, data['by'], data['reason']])).toEqual([
    ['queued', undefined, undefined],
    ['started', undefined, undefined],
    ['cancel_requested', 'key:test', 'enough'],
    ['cancelled', 'key:test', 'enough'],
  ]);
});

test('a running task is cancelled also when its notification got lost', async () => {
  const { id } = await lab.enqueue(sleep, { ms: 60_000 });
  await whenRunning(lab, id);
  await lab.sql(
    "UPDATE lovage.task SET cancel_requested_at = now(), cancel_requested_by = 'test' WHERE id = $1",
    [id],
  );
  expect(await lab.final(id)).toMatchObject({ state: 'cancelled' });
  expect(await msFromRequest(id)).toBeLessThan(3_000);
});

test('a handler that returns in spite of its signal is cancelled, and its result dropped', async () => {
  const { id } = await lab.enqueue(sleep, { ms: 500, obeySignal: false });
  await whenRunning(lab, id);
  await cancel(id);
  expect(await lab.final(id)).toMatchObject({ state: 'cancelled', attempt: 1, result: null });
  expect(await lab.sql('SELECT FROM lovage.task_result WHERE task_id = $1', [id])).toEqual([]);
});

test('asking twice, or for a final task, changes nothing', async () => {
  const { id } = await lab.enqueue(sleep, { ms: 400, obeySignal: false });
  await whenRunning(lab, id);
  expect((await cancel(id, 'first')).outcome).toBe('requested');
  expect((await cancel(id, 'second')).outcome).toBe('requested');
  await lab.final(id);
  const before = await lab.events(id);
  expect(before.filter(({ type }) => type === 'cancel_requested')).toMatchObject([
    { data: { reason: 'first' } },
  ]);

  const done = await lab.enqueue(noop, {});
  const shown = await lab.final(done.id);
  for (const [task, events] of [
    [await lab.get(id), before],
    [shown, await lab.events(done.id)],
  ] as const) {
    expect(await cancel(task.id)).toEqual({ outcome: 'already_final', task });
    expect(await lab.events(task.id)).toEqual(events);
  }
});

test('an unknown, malformed or foreign task cannot be cancelled', async () => {
  const { id } = await lab.enqueue(noop, {}, { delayMs: 60_000 });
  const foreign = { ...lab.caller, tenant: 'other' };
  const notFound = { code: 'task-not-found' };
  await expect(cancel('01890000-0000-7000-8000-000000000000')).rejects.toMatchObject(notFound);
  await expect(cancel('nonsense')).rejects.toMatchObject(notFound);
  await expect(cancelTask(lab.lovage, foreign, id)).rejects.toMatchObject(notFound);
  expect(await lab.get(id)).toMatchObject({ state: 'scheduled' });
});

test('a handler in a child process gets the signal too, and its child serves the next', async () => {
  const { id } = await lab.enqueue(waitsInProcess, {});
  await until(
    () => lab.get(id),
    (task) => task.progress !== null,
  );
  await cancel(id);
  expect(await lab.final(id)).toMatchObject({ state: 'cancelled' });
  expect(await msFromRequest(id)).toBeLessThan(1_000);
});

test('a task that waits for a child process need not get one to be cancelled', async () => {
  const busy = await Promise.all([1, 2, 3].map(() => lab.enqueue(spin, { ms: 4_000 })));
  const last = await lab.enqueue(waitsInProcess, {});
  for (const { id } of [...busy, last]) await whenRunning(lab, id);
  await cancel(last.id);
  expect(await lab.final(last.id)).toMatchObject({ state: 'cancelled', progress: null });
  expect(await msFromRequest(last.id)).toBeLessThan(1_500);
});

test('nothing of this has broken an invariant', async () => {
  expect(await lab.violations()).toEqual([]);
});
