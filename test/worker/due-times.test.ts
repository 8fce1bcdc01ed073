import { afterAll, beforeAll, expect, test } from 'vitest';
import { fail, noop } from '../../packs/diag/tasks.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { exactDelays } from '../fixtures/faults.ts';
import { startDelays, startWorkerProcess } from './processes.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
  await startWorkerProcess(lab);
});
afterAll(() => lab[Symbol.asyncDispose]());

const atTime = async (ids: readonly string[]) => {
  for (const delay of await startDelays(lab, ids)) {
    expect(delay).toBeGreaterThanOrEqual(0);
    expect(delay).toBeLessThan(1_000);
  }
};

const retryings = async (id: string) =>
  (await lab.events(id))
    .filter(({ type }) => type === 'retrying')
    .map(({ at, data }) => Date.parse(data['dueAt'] as string) - Date.parse(at));

test('delayed tasks start on their time, though the worker polls less often', async () => {
  const delays = [900, 1_150, 1_400, 1_650, 1_900, 2_150];
  const tasks = await Promise.all(delays.map((delayMs) => lab.enqueue(noop, {}, { delayMs })));
  expect(tasks.map(({ state }) => state)).toEqual(delays.map(() => 'scheduled'));
  const ids = tasks.map(({ id }) => id);
  for (const id of ids) await lab.final(id);
  await atTime(ids);
});

test('a task runs at the time it names, and at once when that is over', async () => {
  const soon = await lab.enqueue(noop, {}, { runAt: new Date(Date.now() + 1_000).toISOString() });
  const over = await lab.enqueue(noop, {}, { runAt: '2020-01-01T00:00:00Z' });
  expect([soon.state, over.state]).toEqual(['scheduled', 'queued']);
  for (const { id } of [soon, over]) await lab.final(id);
  await atTime([soon.id, over.id]);
});

test('failed attempts are tried again after one second, then two, give or take a quarter', async () => {
  const { id } = await lab.enqueue(fail, { times: 2 });
  const done = await lab.final(id);
  expect(done).toMatchObject({ state: 'succeeded', attempt: 3, result: { attempt: 3 }, error: null });
  const [first = 0, second = 0, ...none] = await retryings(id);
  expect(none).toEqual([]);
  expect(first).toBeGreaterThanOrEqual(750);
  expect(first).toBeLessThanOrEqual(1_250);
  expect(second).toBeGreaterThanOrEqual(1_500);
  expect(second).toBeLessThanOrEqual(2_500);

  const events = await lab.events(id);
  for (const [index, { type, data }] of events.entries()) {
    if (type !== 'retrying') continue;
    const lateMs = Date.parse(events[index + 1]?.at ?? '') - Date.parse(data['dueAt'] as string);
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThan(1_000);
  }
});

test('three attempts are all that a task gets unless it says so', async () => {
  const { id, maxAttempts } = await lab.enqueue(fail, { times: 99, message: 'again and again' });
  expect(maxAttempts).toBe(3);
  for (const attempt of [1, 2]) {
    await until(
      () => lab.get(id),
      (task) => task.state === 'retrying' && task.attempt === attempt,
    );
    await lab.sql('UPDATE pgboss.job SET start_after = now() WHERE id = $1', [id]);
    await lab.sql("NOTIFY lovage_ready, 'diag'");
  }
  const done = await lab.final(id);
  expect(done).toMatchObject({
    state: 'failed',
    attempt: 3,
    error: { code: 'handler_error', message: 'again and again' },
  });
  expect(await lab.sql('SELECT failures FROM lovage.task WHERE id = $1', [id])).toEqual([{ failures: 3 }]);
  expect((await lab.eventTypes(id)).filter((type) => type === 'started')).toHaveLength(3);
});

test('a definition may name its delays exactly; a due time moved by hand is followed', async () => {
  const { id } = await lab.enqueue(exactDelays, {});
  for (const attempt of [1, 2, 3]) {
    const waiting = await until(
      () => lab.get(id),
      (task) => task.state === 'retrying' && task.attempt === attempt,
    );
    expect(Date.parse(waiting.dueAt)).toBeGreaterThan(Date.now() + 50_000);
    await lab.sql('UPDATE pgboss.job SET start_after = now() WHERE id = $1', [id]);
  }
  expect(await lab.final(id)).toMatchObject({ state: 'failed', attempt: 4, error: { message: 'not today' } });
  expect(await retryings(id)).toEqual([60_000, 120_000, 240_000]);
  expect(await lab.eventTypes(id)).toEqual([
    'queued',
    ...['retrying', 'retrying', 'retrying'].flatMap((retrying) => ['started', retrying, 'changed']),
    'started',
    'failed',
  ]);
});

test('nothing of this has broken an invariant', async () => {
  expect(await lab.violations()).toEqual([]);
});
