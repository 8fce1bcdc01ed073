import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noop, progress } from '../../packs/diag/tasks.ts';
import { reportsBadly, reportsBadlyInProcess } from '../fixtures/faults.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { startWorkerProcess, type WorkerProcess } from './processes.ts';

let lab: Lab;
let worker: WorkerProcess;
beforeAll(async () => {
  lab = await openLab();
  worker = await startWorkerProcess(lab);
});
afterAll(() => lab[Symbol.asyncDispose]());

const currents = async (id: string) =>
  (await lab.events(id))
    .filter(({ type }) => type === 'progress')
    .map(({ data }) => data['current'] as number);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test('every step is an event, all before the final one', async () => {
  const { id } = await lab.enqueue(progress, { steps: 40, everyMs: 1 });
  expect(await lab.final(id)).toMatchObject({
    state: 'succeeded',
    progress: { current: 40, total: 40, message: 'step 40 of 40' },
  });
  expect(await currents(id)).toEqual(upTo(40));
  expect((await lab.eventTypes(id)).at(-1)).toBe('succeeded');
});

test('after a hundred events an attempt only moves its live row', async () => {
  const { id } = await lab.enqueue(progress, { steps: 130, everyMs: 0 });
  expect(await lab.final(id)).toMatchObject({ state: 'succeeded', progress: { current: 130 } });
  expect(await currents(id)).toEqual(upTo(100));
});

test('progress shows while the task runs, in a few writes a second', async () => {
  const { id } = await lab.enqueue(progress, { steps: 80, everyMs: 20 });
  await until(
    () => lab.get(id),
    (task) => task.state === 'running' && (task.progress?.current ?? 0) > 10,
  );
  const done = await lab.final(id);
  const seconds = (Date.parse(done.finishedAt ?? '') - Date.parse(done.startedAt ?? '')) / 1_000;
  const [writes] = await lab.sql<{ n: number }>(
    "SELECT count(DISTINCT xmin::text)::int AS n FROM lovage.task_event WHERE task_id = $1 AND type = 'progress'",
    [id],
  );
  expect(writes?.n).toBeGreaterThan(2);
  expect(writes?.n).toBeLessThanOrEqual(4 * seconds + 2);
  // Written together, they keep the times at which they were said.
  const times = (await lab.events(id)).filter(({ type }) => type === 'progress').map(({ at }) => at);
  expect(new Set(times).size).toBeGreaterThan(40);
});

describe.each([
  ['this process', reportsBadly],
  ['a child process', reportsBadlyInProcess],
])('in %s', (_where, definition) => {
  test.each(['nan', 'endless', 'huge', 'total'] as const)(
    'a number that cannot be kept is an error to the handler: %s',
    async (what) => {
      const { id } = await lab.enqueue(definition, { what });
      expect(await lab.final(id)).toMatchObject({
        state: 'succeeded',
        result: { told: true },
        progress: null,
      });
    },
  );

  test('NUL and lone surrogates in log lines are replaced, in names too', async () => {
    const { id } = await lab.enqueue(definition, { what: 'nulKey' });
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
    expect((await lab.events(id)).find(({ type }) => type === 'log')?.data).toEqual({
      message: 'a key with NUL',
      data: { 'a\uFFFDb': 'c\uFFFDd', '\uFFFD': '\uFFFD' },
    });
  });

  test('log data that nests too deep is left out', async () => {
    const { id } = await lab.enqueue(definition, { what: 'deepLog' });
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
    expect((await lab.events(id)).find(({ type }) => type === 'log')?.data['message']).toBe('deep');
  });
});

test('log data that is no JSON is cut to what is', async () => {
  const { id } = await lab.enqueue(reportsBadly, { what: 'function' });
  expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
  expect((await lab.events(id)).find(({ type }) => type === 'log')?.data).toEqual({
    message: 'a function',
    data: {},
  });
});

test('lines that Postgres refuses cost neither the neighbours’ lines nor anyone’s outcome', async () => {
  await lab.sql('ALTER TABLE lovage.task_progress ADD CONSTRAINT no_thirteen CHECK (total <> 13) NOT VALID');
  const good = await lab.enqueue(progress, { steps: 30, everyMs: 30 });
  const bad = await lab.enqueue(progress, { steps: 13, everyMs: 30 });
  for (const { id } of [good, bad]) expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
  expect(await currents(good.id)).toEqual(upTo(30));
  expect(await currents(bad.id)).toEqual([]);
  expect(worker.output()).toContain('progress could not be written');
});

test('the worker that met all this still works, and every invariant holds', async () => {
  const { id } = await lab.enqueue(noop, {});
  expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
  expect(worker.child.exitCode).toBeNull();
  expect(await lab.violations()).toEqual([]);
});
