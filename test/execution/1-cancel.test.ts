import { afterAll, beforeAll, expect, test } from 'vitest';
import { sleep } from '../../packs/diag/tasks.ts';
import { cancelTask } from '../../src/tasks/cancel.ts';
import { getTask } from '../../src/tasks/get.ts';
import { stubborn, stubbornInProcess, toldToStop } from '../fixtures/execution.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { startWorkerProcess, whenRunning } from '../worker/processes.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
  await startWorkerProcess(lab);
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

const whenReporting = (id: string) =>
  until(
    () => getTask(lab.lovage, lab.caller, id),
    (task) => task.progress !== null,
  );

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
  const { id } = await lab.enqueue(toldToStop, { then: 'rethrow' });
  await whenReporting(id);
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
  await whenReporting(id);
  await cancel(id, 'too slow');
  expect(await lab.final(id)).toMatchObject({ state: 'cancelled', result: null });
  expect(await recordOf(id)).toMatchObject({ outcome: 'killed', overdue: false });
  const [row] = await lab.sql<{ ms: number }>(
    'SELECT (extract(epoch FROM finished_at - cancel_requested_at) * 1000)::float8 AS ms FROM lovage.task WHERE id = $1',
    [id],
  );
  expect(row?.ms).toBeGreaterThanOrEqual(200);
  expect(row?.ms).toBeLessThan(2_000);
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

test('cancelling a final task changes nothing and says so', async () => {
  const { id } = await lab.enqueue(sleep, { ms: 0 });
  const before = await lab.final(id);
  expect(await cancel(id, 'too late')).toEqual({ outcome: 'already_final', task: before });
  expect(await recordOf(id)).toEqual({ by: null, reason: null, outcome: null, overdue: false });
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
