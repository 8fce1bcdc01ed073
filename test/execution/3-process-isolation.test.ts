import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitChild, noop, spin } from '../../packs/diag/tasks.ts';
import { defineConfig } from '../../src/config.ts';
import { definePack } from '../../src/pack.ts';
import { stubbornInProcess } from '../fixtures/execution.ts';
import {
  chatters,
  diesOnce,
  echoesInProcess,
  leavesReports,
  runsLate,
  tellsPid,
  waitsInProcess,
  writesBadly,
} from '../fixtures/faults.ts';
import type { TaskView } from '../../src/wire.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { startDelays, startWorkerProcess, type WorkerProcess } from '../worker/processes.ts';
import { childrenOf } from '../worker/process-tree.ts';
import { createEffects, effectsOf } from './effects.ts';

/** As many as a worker runs at a time, whatever its concurrency. */
const CHILDREN = Math.max(2, availableParallelism());

let lab: Lab;
let worker: WorkerProcess;
beforeAll(async () => {
  lab = await openLab();
  await createEffects(lab);
  worker = await startWorkerProcess(lab, ['--concurrency', `${CHILDREN + 18}`]);
});
afterAll(() => lab[Symbol.asyncDispose]());

const pidOf = async (id: string) => {
  const { progress } = await until(
    () => lab.get(id),
    (task) => task.progress !== null,
  );
  return progress?.current ?? 0;
};

const spent = async (id: string) =>
  (await lab.sql('SELECT failures, crashes FROM lovage.task WHERE id = $1', [id]))[0];

/** As many attempts as may run in children at a time, until they are cancelled. */
const occupy = async (enqueue: () => Promise<TaskView>) => {
  const tasks = await Promise.all(Array.from({ length: CHILDREN }, enqueue));
  const pids = await Promise.all(tasks.map(({ id }) => pidOf(id)));
  const cancel = async () => {
    for (const { id } of tasks) await lab.sql('SELECT lovage.cancel($1)', [id]);
    for (const { id } of tasks) expect(await lab.final(id)).toMatchObject({ state: 'cancelled' });
  };
  return { pids, cancel };
};

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

test('a handler can tell by its class why it is to stop', async () => {
  const { id } = await lab.enqueue(runsLate, {});
  expect(await lab.final(id)).toMatchObject({
    state: 'succeeded',
    result: { wasAborted: true, isSoft: true, isCancelled: false },
  });
});

test('what a handler left behind is not heard in the attempt that comes after it', async () => {
  const run = async (input: { stayMs?: number }) => lab.final((await lab.enqueue(leavesReports, input)).id);
  const pid = ({ result }: TaskView) => (result as { pid: number }).pid;
  // Which child is next is the pool's to say.
  const left: TaskView[] = [];
  const next = await until(
    async () => {
      left.push(...(await Promise.all(Array.from({ length: CHILDREN }, () => run({})))));
      return run({ stayMs: 150 });
    },
    (task) => left.some((before) => pid(before) === pid(task)),
  );
  for (const each of [...left.map(({ id }) => id), next.id])
    expect(await lab.eventTypes(each)).toEqual(['queued', 'started', 'succeeded']);
});

test('a handler that reports without end says the last of it, and holds up nobody', async () => {
  const { id } = await lab.enqueue(chatters, { times: 200_000 });
  expect(await lab.final(id)).toMatchObject({ state: 'succeeded', progress: { current: 200_000 } });
  const types = await lab.sql<{ type: string; n: number }>(
    `SELECT type, count(*)::int AS n FROM lovage.task_event
     WHERE task_id = $1 AND type IN ('progress', 'log', 'crashed') GROUP BY 1 ORDER BY 1`,
    [id],
  );
  expect(types).toEqual([
    { type: 'log', n: 1_000 },
    { type: 'progress', n: 100 },
  ]);
});

describe('a child that dies', () => {
  test('ends its own attempt only, which runs again alone and spends no retry', async () => {
    const neighbours = await Promise.all([lab.enqueue(spin, { ms: 300 }), lab.enqueue(noop, {})]);
    const { id } = await lab.enqueue(diesOnce, { how: 'exit' });
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(await spent(id)).toEqual({ failures: 0, crashes: 1 });
    expect((await lab.events(id)).map(({ type }) => type).filter((type) => type !== 'progress')).toEqual([
      'queued',
      'started',
      'crashed',
      'started',
      'succeeded',
    ]);
    expect((await lab.events(id)).find(({ type }) => type === 'crashed')?.data).toMatchObject({
      reason: "the task's process ended: exit code 7",
    });
    for (const neighbour of neighbours)
      expect(await lab.final(neighbour.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(worker.child.exitCode).toBeNull();
  });

  test('again and again quarantines its task after the third time', async () => {
    const { id } = await lab.enqueue(exitChild, { code: 3 });
    expect(await lab.final(id)).toMatchObject({
      state: 'failed',
      attempt: 3,
      error: { code: 'crashed', message: expect.stringContaining('exit code 3') as string },
    });
    expect(await spent(id)).toEqual({ failures: 0, crashes: 3 });
  });

  test('by another’s hand is told as such, and replaced', async () => {
    const { id } = await lab.enqueue(waitsInProcess, {});
    const pid = await pidOf(id);
    process.kill(pid, 'SIGKILL');
    await until(
      () => lab.get(id),
      ({ attempt, progress }) => attempt === 2 && progress !== null && progress.current !== pid,
    );
    expect((await lab.events(id)).find(({ type }) => type === 'crashed')?.data).toMatchObject({
      reason: expect.stringContaining('killed from outside (SIGKILL)') as string,
    });
    await lab.sql('SELECT lovage.cancel($1)', [id]);
    await lab.final(id);
  });
});

describe('while as many children are busy as there are CPUs', () => {
  test('the worker’s own tasks go on, and a task that waits for a child spends none of its time', async () => {
    const busy = await occupy(() => lab.enqueue(stubbornInProcess, { ms: 120_000 }));
    const waiting = await lab.enqueue(runsLate, { waits: false });
    const quick = await Promise.all(Array.from({ length: 20 }, () => lab.enqueue(noop, {})));
    for (const { id } of quick) await lab.final(id);
    await until(async () => Date.now() - Date.parse((await lab.get(waiting.id)).startedAt ?? '') > 500);
    await busy.cancel();
    expect(await lab.final(waiting.id)).toMatchObject({ result: { wasAborted: false } });
    const delays = await startDelays(
      lab,
      quick.map(({ id }) => id),
    );
    for (const delay of delays) expect(delay).toBeLessThan(1_000);
  });

  test('what runs again after a crash gets a child all the same, which ends when it comes free', async () => {
    const tasks = await Promise.all([1, 2].map(() => lab.enqueue(tellsPid, {}, { delayMs: 3_600_000 })));
    const ids = tasks.map(({ id }) => id);
    await lab.sql('UPDATE lovage.task SET crashes = 1 WHERE id = ANY ($1)', [ids]);
    const busy = await occupy(() => lab.enqueue(waitsInProcess, {}));
    await lab.sql('UPDATE pgboss.job SET start_after = now() WHERE id = ANY ($1)', [ids]);
    lab.lovage.notifier.ready('faults');
    for (const id of ids) {
      const { pid } = (await lab.final(id)).result as { pid: number };
      expect([...busy.pids, worker.child.pid]).not.toContain(pid);
    }
    await busy.cancel();
    await until(() => childrenOf(worker.child.pid ?? 0).length <= CHILDREN);
  });
});

describe('a success with writes of its own', () => {
  test('is recorded again where the child dies before it is, and not twice where it dies after', async () => {
    const before = await lab.enqueue(writesBadly, { goes: 'diesAtSettle' });
    const after = await lab.enqueue(writesBadly, { goes: 'diesAtAnswer' });
    expect(await lab.final(before.id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(await effectsOf(lab, before.id)).toEqual(['1 2']);
    expect(await lab.final(after.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(await effectsOf(lab, after.id)).toEqual(['1 1']);
    expect(await lab.eventTypes(after.id)).toEqual(['queued', 'started', 'succeeded']);
  });

  test('is tried again on a conflict, in the same child', async () => {
    const { id } = await lab.enqueue(writesBadly, { goes: 'conflicts' });
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(await effectsOf(lab, id)).toEqual(['2 1']);
  });

  test('fails with what its writes threw', async () => {
    const { id } = await lab.enqueue(writesBadly, { goes: 'discards' });
    expect(await lab.final(id)).toMatchObject({ state: 'failed', error: { code: 'unwanted' } });
    expect(await effectsOf(lab, id)).toEqual([]);
  });

  test('that turns out to be none lets go of its child', async () => {
    for (let each = 0; each <= CHILDREN; each += 1) {
      const { id } = await lab.enqueue(writesBadly, { goes: 'invalid' });
      expect(await lab.final(id)).toMatchObject({ state: 'failed', error: { code: 'output_invalid' } });
      expect(await effectsOf(lab, id)).toEqual([]);
    }
    expect(await lab.final((await lab.enqueue(echoesInProcess, {})).id)).toMatchObject({
      state: 'succeeded',
    });
  });
});

describe('a worker with a process definition that its configuration file does not have', () => {
  const elsewhere = defineConfig({
    packs: [definePack({ name: 'faults', tasks: [echoesInProcess, tellsPid] })],
  });
  const stranger = { ...echoesInProcess, name: 'faults.stranger' };
  const unreachable = defineConfig({
    packs: [definePack({ name: 'faults', tasks: [stranger, { ...spin, output: tellsPid.output }] })],
  });

  test('is refused at start, by its name', async () => {
    await expect(lab.worker({ config: unreachable })).rejects.toMatchObject({
      name: 'SetupError',
      message: expect.stringMatching(
        /"faults\.stranger", "diag\.spin".*fixtures\/lovage\.config\.ts/,
      ) as string,
    });
  });

  test('is not, where it has it or does not serve its queue', async () => {
    await (await lab.worker({ config: elsewhere, queues: ['faults'] })).drain(0);
    await (await lab.worker({ queues: ['spare'] })).drain(0);
  });
});

test('the worker that met all this still works, and every invariant holds', async () => {
  expect(await lab.final((await lab.enqueue(noop, {})).id)).toMatchObject({ state: 'succeeded' });
  expect(worker.child.exitCode).toBeNull();
  expect(worker.output()).not.toContain('the outcome was dropped');
  expect(await lab.violations()).toEqual([]);
});
