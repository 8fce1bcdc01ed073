import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { noop, spin } from '../../packs/diag/tasks.ts';
import { stubbornInProcess } from '../fixtures/execution.ts';
import { diesOnce, echoesInProcess, hoards, type Ending } from '../fixtures/faults.ts';
import { isShort } from './form.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { kill, startWorkerProcess, whenRunning, type WorkerProcess } from '../worker/processes.ts';
import { childrenOf, isAlive, ticksOf } from '../worker/process-tree.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const childrenOfWorker = ({ child }: WorkerProcess) => childrenOf(child.pid ?? 0);
const isGone = (pid: number) => until(() => !isAlive(pid));

const started: WorkerProcess[] = [];
afterEach(() => Promise.all(started.splice(0).map(kill)));

/** A worker for one test. */
async function start(args: readonly string[], env: Record<string, string> = {}): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(lab, args, env);
  started.push(worker);
  return worker;
}

async function end(worker: WorkerProcess): Promise<void> {
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
}

const pidOf = async (id: string) => {
  const { progress } = await until(
    () => lab.get(id),
    (task) => task.progress !== null,
  );
  return progress?.current ?? 0;
};

describe('a child', () => {
  let worker: WorkerProcess;
  beforeAll(async () => {
    worker = await startWorkerProcess(lab, [], { NODE_OPTIONS: '--max-old-space-size=128' });
  });

  test.each<[Ending, string]>([
    ['exit', 'exit code 7'],
    ['kill', 'killed from outside (SIGKILL)'],
    ['abort', 'SIGABRT'],
    ['memory', 'ran out of memory'],
    ['disconnect', 'exit code 0'],
    ['deafDisconnect', 'killed, since it closed its channel and went on'],
    ['busyDisconnect', 'killed, since it closed its channel and went on'],
    ['flood', 'killed, since it flooded its channel'],
    ['nonsense', 'killed, since it said what makes no sense'],
  ])('that ends its attempt by %s ends no other', async (how, says) => {
    const neighbour = await lab.enqueue(spin, { ms: 300 });
    const { id } = await lab.enqueue(diesOnce, { how });
    const first = await pidOf(id);
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect((await lab.events(id)).filter(({ type }) => type === 'crashed')).toMatchObject([
      { attempt: 1, data: { reason: expect.stringContaining(says) as string } },
    ]);
    expect(isAlive(first)).toBe(false);
    expect(await lab.final(neighbour.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(worker.child.exitCode).toBeNull();
  });

  test('that dies is replaced, however many do and however fast', async () => {
    const dying = await Promise.all(Array.from({ length: 4 }, () => lab.enqueue(diesOnce, { how: 'exit' })));
    const living = await Promise.all(Array.from({ length: 4 }, () => lab.enqueue(echoesInProcess, {})));
    for (const { id } of dying) expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    for (const { id } of living)
      expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
    await end(worker);
  });
});

describe('a configuration that a child', () => {
  const configFile = new URL('../fixtures/child-trouble.config.ts', import.meta.url).pathname;

  test.each([
    ['throws', 'no configuration today'],
    ['forgets', 'does not know the task "faults.echoesInProcess"'],
    ...(isShort ? [] : [['hangs', 'it was not ready in time'] as const]),
  ] as const)('%s hands its tasks back, at no cost to them or to others', async (trouble, says) => {
    const worker = await start([], {
      LOVAGE_CONFIG: configFile,
      LOVAGE_TEST_TROUBLE: trouble,
    });
    const { id } = await lab.enqueue(echoesInProcess, {});
    await until(
      () => lab.eventTypes(id),
      (types) => types.includes('handed_back'),
      40_000,
    );
    expect((await lab.events(id)).find(({ type }) => type === 'handed_back')?.data).toMatchObject({
      reason: expect.stringContaining(says) as string,
    });
    expect(await lab.sql('SELECT failures, crashes FROM lovage.task WHERE id = $1', [id])).toEqual([
      { failures: 0, crashes: 0 },
    ]);
    expect(await lab.final((await lab.enqueue(noop, {})).id)).toMatchObject({ state: 'succeeded' });
    await lab.sql('SELECT lovage.cancel($1)', [id]);
    await lab.final(id);
    await end(worker);
  });
});

describe('a child is replaced', () => {
  const run = async (input: { mb: number; afterMs?: number }) =>
    ((await lab.final((await lab.enqueue(hoards, input)).id)).result as { pid: number }).pid;

  test('after its last attempt', async () => {
    const worker = await start(['--max-tasks-per-child', '2']);
    const pids: number[] = [];
    for (let each = 0; each < 5; each += 1) pids.push(await run({ mb: 0 }));
    expect(new Set(pids).size).toBeGreaterThanOrEqual(3);
    for (const pid of pids.slice(0, 4)) {
      const times = pids.filter((other) => other === pid).length;
      expect(times).toBeLessThanOrEqual(2);
      if (times === 2) await isGone(pid);
    }
    await end(worker);
  });

  test('by its memory: after an attempt, and while it idles', async () => {
    const worker = await start(['--max-memory-per-child', '700']);
    const large = await run({ mb: 600 });
    await isGone(large);
    const small = await run({ mb: 1 });
    expect(isAlive(small)).toBe(true);
    const growing = await run({ mb: 600, afterMs: 100 });
    await isGone(growing);
    await until(() => childrenOfWorker(worker).length > 0);
    expect(await run({ mb: 1 })).not.toBe(growing);
    await end(worker);
  });

  test('by its age, but not in the midst of an attempt', async () => {
    const worker = await start(['--max-child-age', '2']);
    const [first = 0] = await until(
      () => childrenOfWorker(worker),
      (pids) => pids.length > 0,
    );
    const { id } = await lab.enqueue(spin, { ms: 3_000 });
    await isGone(first);
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
    const idle = await until(() => childrenOfWorker(worker).find((pid) => pid !== first));
    await isGone(idle ?? 0);
    await until(() => childrenOfWorker(worker).some((pid) => pid !== idle));
    await end(worker);
  });
});

describe('children end with their worker', () => {
  test('in order: what goes on past the grace is killed before it is handed back', async () => {
    const worker = await start([], { LOVAGE_DRAIN_MS: '200' });
    const { id } = await lab.enqueue(stubbornInProcess, { ms: 60_000 });
    const pid = await pidOf(id);
    const pids = childrenOfWorker(worker);
    worker.child.kill('SIGTERM');
    await until(
      () => lab.get(id),
      ({ state }) => state === 'queued',
    );
    expect(isAlive(pid)).toBe(false);
    expect(await worker.exited).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await lab.sql('SELECT failures, crashes FROM lovage.task WHERE id = $1', [id])).toEqual([
      { failures: 0, crashes: 0 },
    ]);
    await lab.sql('SELECT lovage.cancel($1)', [id]);
  });

  test('killed in the midst of busy work', async () => {
    const doomed = await start([]);
    await lab.final((await lab.enqueue(spin, { ms: 1 })).id);
    const { id } = await lab.enqueue(spin, { ms: 60_000 });
    await whenRunning(lab, id);
    const pids = childrenOfWorker(doomed);
    const before = pids.map(ticksOf);
    await until(() => pids.some((pid, index) => ticksOf(pid) > (before[index] ?? 0) + 30));
    await kill(doomed);
    await until(
      () => pids.filter(isAlive),
      (left) => left.length === 0,
    );
  });
});

test('nothing of this has broken an invariant', async () => {
  expect(await lab.violations()).toEqual([]);
});
