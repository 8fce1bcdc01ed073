import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noop, sleep } from '../../packs/diag/tasks.ts';
import { cancelTask } from '../../src/tasks/cancel.ts';
import { stubborn, stubbornInProcess, toldToStop } from '../fixtures/execution.ts';
import { waitsInProcess } from '../fixtures/faults.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { startWorkerProcess, whenRunning } from '../worker/processes.ts';
import { whenReporting } from './effects.ts';

/** As many as a worker runs at a time, whatever its concurrency. */
const children = Math.max(2, availableParallelism());

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
  await startWorkerProcess(lab, ['--concurrency', `${children + 10}`]);
});
afterAll(() => lab[Symbol.asyncDispose]());

const cancel = (id: string, reason?: string) => cancelTask(lab.lovage, lab.caller, id, { reason });

interface Record {
  by: string;
  reason: string | null;
  outcome: string | null;
  overdue: boolean;
}

const recordOf = async (id: string) => {
  const [row] = await lab.sql<Record>(
    `SELECT cancel_requested_by AS by, cancel_reason AS reason, cancel_outcome AS outcome, overdue_at IS NOT NULL AS overdue
     FROM lovage.task WHERE id = $1`,
    [id],
  );
  return row;
};

const msFromRequest = async (id: string) => {
  const [row] = await lab.sql<{ ms: number }>(
    `SELECT (extract(epoch FROM finished_at - cancel_requested_at) * 1000)::float8 AS ms FROM lovage.task WHERE id = $1`,
    [id],
  );
  return row?.ms;
};

test('a waiting task is cancelled at once, and says who asked and why', async () => {
  const { id } = await lab.enqueue(noop, {}, { delayMs: 60_000 });
  const { outcome, task } = await cancel(id, 'not needed');
  expect(outcome).toBe('cancelled');
  expect(task).toMatchObject({ state: 'cancelled', attempt: 0, startedAt: null, cancelOutcome: null });
  expect(task).toMatchObject({
    cancelRequestedAt: task.finishedAt,
    cancelRequestedBy: 'key:test',
    cancelReason: 'not needed',
  });
  expect((await lab.events(id)).map(({ type, data }) => [type, data])).toEqual([
    ['queued', {}],
    ['cancelled', { by: 'key:test', reason: 'not needed' }],
  ]);
});

test('a handler that stops when it is told to has obeyed: the record says who asked and why', async () => {
  const { id } = await lab.enqueue(sleep, { ms: 60_000 });
  await whenRunning(lab, id);
  expect(await cancel(id, 'not needed')).toMatchObject({ outcome: 'requested' });
  expect(await lab.final(id)).toMatchObject({ state: 'cancelled' });
  expect(await recordOf(id)).toMatchObject({ by: 'key:test', reason: 'not needed', outcome: 'obeyed' });
  expect((await lab.events(id)).at(-1)).toMatchObject({
    type: 'cancelled',
    data: { by: 'key:test', reason: 'not needed', outcome: 'obeyed' },
  });
});

test('from SQL it lands the same way', async () => {
  const { id } = await lab.enqueue(toldToStop, { reaction: 'rethrow' });
  await whenReporting(lab, id);
  expect(await lab.sql('SELECT lovage.cancel($1, $2) AS outcome', [id, 'from psql'])).toEqual([
    { outcome: 'requested' },
  ]);
  expect(await lab.final(id)).toMatchObject({ state: 'cancelled' });
  expect(await recordOf(id)).toMatchObject({
    by: expect.stringMatching(/^sql:/) as string,
    reason: 'from psql',
    outcome: 'obeyed',
  });
});

test('past its grace a process attempt is killed, and only it', async () => {
  const neighbour = await lab.enqueue(sleep, { ms: 1_500 });
  const { id } = await lab.enqueue(stubbornInProcess, { ms: 60_000 });
  await whenReporting(lab, id);
  await cancel(id, 'too slow');
  expect(await lab.final(id)).toMatchObject({ state: 'cancelled', result: null });
  expect(await recordOf(id)).toMatchObject({ outcome: 'killed', overdue: false });
  const ms = await msFromRequest(id);
  expect(ms).toBeGreaterThanOrEqual(200);
  expect(ms).toBeLessThan(2_000);
  expect(await lab.final(neighbour.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('past its grace an inline attempt stays running, overdue, and is cancelled when its handler returns', async () => {
  const { id } = await lab.enqueue(stubborn, { ms: 2_000 });
  await whenRunning(lab, id);
  await cancel(id);
  await until(
    () => lab.eventTypes(id),
    (types) => types.at(-1) === 'overdue',
  );
  expect(await lab.get(id)).toMatchObject({ state: 'running' });
  expect(await recordOf(id)).toMatchObject({ overdue: true, outcome: null });
  expect(await lab.final(id)).toMatchObject({ state: 'cancelled', result: null });
  expect(await recordOf(id)).toMatchObject({ outcome: 'abandoned' });
  expect(await lab.eventTypes(id)).toEqual(['queued', 'started', 'cancel_requested', 'overdue', 'cancelled']);
});

test('a running handler has its signal within 250 ms at the median', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 9; n += 1) {
    const { id } = await lab.enqueue(sleep, { ms: 60_000 });
    await whenRunning(lab, id);
    await cancel(id);
    await lab.final(id);
    ids.push(id);
  }
  const [row] = await lab.sql<{ ms: number }>(
    `SELECT (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - cancel_requested_at)) * 1000)::float8 AS ms
     FROM lovage.task WHERE id = ANY ($1)`,
    [ids],
  );
  expect(row?.ms).toBeLessThan(250);
});

test('a cancel that races a finish has one outcome: in the state, the history and the result alike', async () => {
  const tasks = await Promise.all(Array.from({ length: 60 }, (_, n) => lab.enqueue(sleep, { ms: n % 15 })));
  const outcomes = await Promise.all(tasks.map(({ id }) => cancel(id)));
  const seen = new Set<string>();
  for (const [at, { id }] of tasks.entries()) {
    const { state, result } = await lab.final(id);
    const ends = (await lab.eventTypes(id)).filter((type) => ['succeeded', 'cancelled'].includes(type));
    expect(ends).toEqual([state]);
    expect(result !== null).toBe(state === 'succeeded');
    expect(state).toBe(outcomes[at]?.outcome === 'already_final' ? 'succeeded' : 'cancelled');
    seen.add(state);
  }
  expect(await lab.violations()).toEqual([]);
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

test('asking twice, or for a final task, changes nothing', async () => {
  const { id } = await lab.enqueue(sleep, { ms: 1_500, obeySignal: false });
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
  const enqueue = () => lab.enqueue(waitsInProcess, {});
  const busy = await Promise.all(Array.from({ length: children }, enqueue));
  for (const { id } of busy) await whenReporting(lab, id);
  const last = await enqueue();
  await whenRunning(lab, last.id);
  await cancel(last.id);
  expect(await lab.final(last.id)).toMatchObject({ state: 'cancelled', progress: null });
  expect(await msFromRequest(last.id)).toBeLessThan(1_500);
  await Promise.all(busy.map(({ id }) => cancel(id)));
});

test('nothing of this has broken an invariant', async () => {
  expect(await lab.violations()).toEqual([]);
});
