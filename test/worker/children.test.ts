import { afterAll, beforeAll, expect, test } from 'vitest';
import { noop, spin } from '../../packs/diag/tasks.ts';
import { cancelTask } from '../../src/tasks/cancel.ts';
import { echoesInProcess, waitsInProcess } from '../fixtures/faults.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { kill, startDelays, startWorkerProcess, whenRunning, type WorkerProcess } from './processes.ts';
import { childrenOf, isAlive, ticksOf } from './process-tree.ts';

let lab: Lab;
let worker: WorkerProcess;
beforeAll(async () => {
  lab = await openLab();
  worker = await startWorkerProcess(lab);
});
afterAll(() => lab[Symbol.asyncDispose]());

const pidOf = async (id: string) =>
  (
    await until(
      () => lab.get(id),
      (task) => (task.progress?.current ?? 0) > 0,
    )
  ).progress?.current ?? 0;

test('progress, log lines and the result come over from the child', async () => {
  const { id } = await lab.enqueue(echoesInProcess, {});
  const task = await lab.final(id);
  const { pid } = task.result as { pid: number };
  expect(pid).not.toBe(worker.child.pid);
  expect(childrenOf(worker.child.pid ?? 0)).toContain(pid);
  expect(task).toMatchObject({
    state: 'succeeded',
    progress: { current: 1, total: 2, message: 'from the child' },
  });
  expect((await lab.events(id)).map(({ type, data }) => [type, data['message']])).toEqual([
    ['queued', undefined],
    ['started', undefined],
    ['progress', 'from the child'],
    ['log', 'hello from the child'],
    ['succeeded', undefined],
  ]);
});

test('an error comes over with its stack and its cause', async () => {
  const { id } = await lab.enqueue(echoesInProcess, { fail: true });
  expect((await lab.final(id)).error).toEqual({
    code: 'handler_error',
    type: 'Error',
    message: 'failed in the child',
    cause: { code: 'handler_error', type: 'Error', message: 'the cause' },
  });
  const [row] = await lab.sql<{ stack: string }>(
    "SELECT error ->> 'stack' AS stack FROM lovage.task WHERE id = $1",
    [id],
  );
  expect(row?.stack).toContain('faults.ts');
});

test('a child that ends fails its own attempt only', async () => {
  const neighbours = await Promise.all([lab.enqueue(spin, { ms: 300 }), lab.enqueue(noop, {})]);
  const { id } = await lab.enqueue(echoesInProcess, { exit: true });
  expect(await lab.final(id)).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { code: 'crashed', message: expect.stringContaining('exit code 7') as string },
  });
  for (const neighbour of neighbours)
    expect(await lab.final(neighbour.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(worker.child.exitCode).toBeNull();
});

test('children that end are replaced, however many and however fast', async () => {
  const dying = await Promise.all(
    Array.from({ length: 4 }, () => lab.enqueue(echoesInProcess, { exit: true })),
  );
  const living = await Promise.all(Array.from({ length: 4 }, () => lab.enqueue(echoesInProcess, {})));
  for (const { id } of dying)
    expect(await lab.final(id)).toMatchObject({ state: 'failed', error: { code: 'crashed' } });
  for (const { id } of living) expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
});

test('a child that somebody kills fails its own attempt only', async () => {
  const { id } = await lab.enqueue(waitsInProcess, {});
  const pid = await pidOf(id);
  process.kill(pid, 'SIGKILL');
  await until(
    () => lab.get(id),
    (task) => task.state === 'retrying',
  );
  expect(await lab.get(id)).toMatchObject({
    error: { code: 'crashed', message: expect.stringContaining('SIGKILL') as string },
  });
  await cancelTask(lab.lovage, lab.caller, id);
});

test('a busy CPU in a child does not hold up the tasks of the worker', async () => {
  const busy = await lab.enqueue(spin, { ms: 1_500 });
  await whenRunning(lab, busy.id);
  const quick = await Promise.all(Array.from({ length: 20 }, () => lab.enqueue(noop, {})));
  for (const { id } of quick) await lab.final(id);
  expect(await lab.get(busy.id)).toMatchObject({ state: 'running' });
  for (const delay of await startDelays(
    lab,
    quick.map(({ id }) => id),
  ))
    expect(delay).toBeLessThan(1_000);
  expect(await lab.final(busy.id)).toMatchObject({ state: 'succeeded' });
});

test('children end with their worker: in order', async () => {
  const ending = await startWorkerProcess(lab, ['--queues', 'spare,faults']);
  const pids = await until(
    () => childrenOf(ending.child.pid ?? 0),
    (found) => found.length > 0,
  );
  ending.child.kill('SIGTERM');
  expect(await ending.exited).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
});

test('children end with their worker: killed in the midst of busy work', async () => {
  await kill(worker);
  const doomed = await startWorkerProcess(lab);
  await lab.final((await lab.enqueue(spin, { ms: 1 })).id);
  const { id } = await lab.enqueue(spin, { ms: 60_000 });
  await whenRunning(lab, id);
  const pids = childrenOf(doomed.child.pid ?? 0);
  const before = pids.map(ticksOf);
  await until(() => pids.some((pid, index) => ticksOf(pid) > (before[index] ?? 0) + 30));
  await kill(doomed);
  await until(
    () => pids.filter(isAlive),
    (left) => left.length === 0,
  );
});
