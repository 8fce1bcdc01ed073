import { afterAll, beforeAll, expect, test } from 'vitest';
import { noop } from '../../packs/diag/tasks.ts';
import { cancelTask } from '../../src/tasks/cancel.ts';
import { waitForTask } from '../../src/tasks/wait.ts';
import { openLab, until, type Lab } from '../lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const wait = (id: string, timeoutMs = 10_000, signal?: AbortSignal) =>
  waitForTask(lab.lovage, lab.caller, id, { timeoutMs, signal });
const delayed = async () => (await lab.enqueue(noop, {}, { delayMs: 60_000 })).id;
const watched = (count: number) =>
  until(
    () => lab.lovage.finals.size,
    (size) => size === count,
  );

test('any number of waiters share one LISTEN connection, and all are answered', async () => {
  const ids = await Promise.all(Array.from({ length: 20 }, delayed));
  const waiting = ids.flatMap((id) => Array.from({ length: 10 }, () => wait(id)));
  await watched(20);
  expect(
    await lab.sql(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'lovage listener'",
    ),
  ).toEqual([{ n: 1 }]);
  for (const id of ids) await cancelTask(lab.lovage, lab.caller, id);
  for (const { state } of await Promise.all(waiting)) expect(state).toBe('cancelled');
  expect(lab.lovage.finals.size).toBe(0);
});

test('a waiter is answered also when nobody announced the end', async () => {
  const id = await delayed();
  const waiting = wait(id);
  await watched(1);
  await lab.sql('DELETE FROM pgboss.job WHERE id = $1', [id]);
  const from = performance.now();
  expect(await waiting).toMatchObject({ state: 'expired' });
  expect(performance.now() - from).toBeLessThan(4_000);
});

test('a final task is answered at once', async () => {
  const id = await delayed();
  await cancelTask(lab.lovage, lab.caller, id);
  expect(await wait(id, 0)).toMatchObject({ state: 'cancelled' });
});

test('when the time is over the task comes as it stands, and nothing is left behind', async () => {
  const id = await delayed();
  expect(await wait(id, 50)).toMatchObject({ state: 'scheduled' });
  expect(lab.lovage.finals.size).toBe(0);
});

test('a caller that goes away cancels nothing and leaves nothing behind', async () => {
  const id = await delayed();
  const gone = new AbortController();
  const [leaver, stayer] = [wait(id, 10_000, gone.signal), wait(id)];
  await watched(1);
  gone.abort();
  expect(await leaver).toMatchObject({ state: 'scheduled' });
  expect(lab.lovage.finals.size).toBe(1);
  await cancelTask(lab.lovage, lab.caller, id);
  expect(await stayer).toMatchObject({ state: 'cancelled' });
  expect(lab.lovage.finals.size).toBe(0);
});

test('an unknown task cannot be waited for', async () => {
  await expect(wait('01890000-0000-7000-8000-000000000000')).rejects.toMatchObject({
    code: 'task-not-found',
  });
  expect(lab.lovage.finals.size).toBe(0);
});
