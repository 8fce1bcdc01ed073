import { expect, test } from 'vitest';
import { exitChild, fail, sleep } from '../../packs/diag/tasks.ts';
import { putSchedule } from '../../src/schedules/put.ts';
import { openLab, until, type Lab, type LabProcess } from '../lab.ts';
import { Line } from '../line.ts';
import { linesOf } from '../operate/observed-system.ts';
import { readScrape, type Scraped } from '../operate/scrape.ts';
import { kill, startWorkerProcess, type WorkerProcess } from '../worker/processes.ts';

const ENV = { LOVAGE_METRICS_OPEN: '1', LOVAGE_METRICS_PORT: '0', PORT: '0' };
const ARGS = ['--queues', 'diag', '--concurrency', '4'];

interface Watched {
  scrape: () => Promise<Scraped>;
}

async function watch({ output }: LabProcess): Promise<Watched> {
  const url = await until(() => /"url":"([^"]+)"/.exec(output())?.[1], Boolean, 40_000);
  return { scrape: async () => readScrape(await (await fetch(`${url}/metrics`)).text()) };
}

async function startWatched(lab: Lab, env: Record<string, string> = {}): Promise<WorkerProcess & Watched> {
  const worker = await startWorkerProcess(lab, ARGS, { ...ENV, ...env });
  return { ...worker, ...(await watch(worker)) };
}

/** As PromQL's sum() has it. */
async function sum(of: readonly Watched[], metric: string, labels: Record<string, string>): Promise<number> {
  const scrapes = await Promise.all(of.map(({ scrape }) => scrape()));
  return scrapes.reduce((total, seen) => total + (seen.value(metric, labels) ?? NaN), 0);
}

const runningOn = async (lab: Lab, worker: WorkerProcess): Promise<string[]> => {
  const rows = await lab.sql<{ id: string }>(
    "SELECT id FROM lovage.task WHERE state = 'running' AND worker_id = $1",
    [worker.id],
  );
  return rows.map(({ id }) => id);
};

const startSleeping = async (lab: Lab, count: number): Promise<void> => {
  for (let at = 0; at < count; at += 1) await lab.enqueue(sleep, { ms: 600_000 });
};

test('deaths, rescues, retries and quarantines are each counted once, over an API and several workers', async () => {
  await using lab = await openLab();
  const api = await watch(await lab.spawn(['serve'], ENV));
  await putSchedule(lab.lovage, lab.caller, {
    name: 'late',
    task: 'diag.noop',
    input: {},
    cron: '0 0 1 1 *',
    missed: 'skip',
  });
  await lab.sql("UPDATE lovage.schedule SET next_at = now() - interval '90 s'");
  const late = await until(api.scrape, (seen) => seen.value('lovage_schedules_late') === 1);
  expect(late.value('lovage_schedule_late_seconds')).toBeGreaterThanOrEqual(90);
  expect(late.value('lovage_workers', { state: 'live' })).toBe(0);

  const doomed = await startWatched(lab);
  const other = await startWatched(lab);
  // increase() sees no rise from nothing.
  for (const metric of ['retries', 'crashes', 'outcomes_dropped'])
    expect(await sum([doomed, other], `lovage_task_${metric}_total`, { name: 'diag.exitChild' })).toBe(0);
  for (const [outcome, result] of [
    ['delivered', '2xx'],
    ['retrying', 'timeout'],
    ['failed', '5xx'],
  ] as const)
    expect(await sum([doomed, other], 'lovage_webhook_tries_total', { outcome, result })).toBe(0);

  const { id: poison } = await lab.enqueue(exitChild, {});
  const { id: weak } = await lab.enqueue(fail, { times: 1 });
  expect(await lab.final(poison)).toMatchObject({ state: 'failed', error: { code: 'crashed' } });
  expect(await lab.final(weak)).toMatchObject({ state: 'succeeded', attempt: 2 });
  const both = [doomed, other];
  const total = (metric: string, labels: Record<string, string>) => sum(both, metric, labels);
  await until(
    () => total('lovage_tasks_finished_total', { name: 'diag.fail', outcome: 'succeeded' }),
    (succeeded) => succeeded === 1,
  );
  expect(await total('lovage_task_crashes_total', { name: 'diag.exitChild' })).toBe(3);
  expect(await total('lovage_tasks_finished_total', { name: 'diag.exitChild', outcome: 'failed' })).toBe(1);
  expect(await total('lovage_task_retries_total', { name: 'diag.fail' })).toBe(1);
  expect(await total('lovage_tasks_rescued_total', {})).toBe(0);

  for (let at = 0; at < 3; at += 1) await lab.enqueue(sleep, { ms: 1 }, { delayMs: 3_600_000 });
  await startSleeping(lab, 6);
  await until(
    () => lab.sql("SELECT FROM lovage.task WHERE state = 'running'"),
    (rows) => rows.length === 6,
  );
  // Each says it of the whole: max by (queue) takes one of them.
  for (const { scrape } of [api, ...both])
    await until(
      scrape,
      (seen) =>
        seen.value('lovage_queue_tasks', { queue: 'diag', state: 'scheduled' }) === 3 &&
        seen.value('lovage_queue_tasks', { queue: 'diag', state: 'running' }) === 6 &&
        seen.value('lovage_worker_slots') === 8 &&
        seen.value('lovage_schedules_late') === 0,
    );
  expect(await total('lovage_attempts_running', {})).toBe(6);

  const left = (await runningOn(lab, doomed)).length;
  expect(left).toBeGreaterThan(0);
  await kill(doomed);
  await until(
    () => sum([other], 'lovage_tasks_rescued_total', { cause: 'crash' }),
    (rescued) => rescued === left,
  );
  expect(await sum([other], 'lovage_task_crashes_total', { name: 'diag.sleep' })).toBe(left);
  await until(
    api.scrape,
    (seen) =>
      seen.value('lovage_workers', { state: 'lost' }) === 1 &&
      seen.value('lovage_workers', { state: 'live' }) === 1,
  );

  // Twice already: the next death is the last.
  await until(
    () => runningOn(lab, other),
    (ids) => ids.length === 4,
  );
  const traceId = 'a'.repeat(32);
  await lab.sql(
    "UPDATE lovage.task SET crashes = 2, trace = $1, request_id = 'mine' WHERE state = 'running'",
    [`00-${traceId}-00f067aa0ba902b7-01`],
  );
  const last = await startWatched(lab);
  const held = (await runningOn(lab, other)).length;
  await kill(other);
  await until(
    () => sum([last], 'lovage_tasks_finished_total', { name: 'diag.sleep', outcome: 'failed' }),
    (failed) => failed === held,
  );
  // Its lines come by another way than its numbers.
  const told = await until(
    () => linesOf(last, { lostWorker: other.id, requestId: 'mine' }),
    (lines) => lines.length >= held,
  );
  expect(told).toHaveLength(held);
  for (const line of told)
    expect(line).toMatchObject({ task: expect.any(String), attempt: expect.any(Number), traceId });
  expect(
    await lab.sql("SELECT FROM lovage.task WHERE state = 'failed' AND name = 'diag.sleep'"),
  ).toHaveLength(held);
});

test('a lease that was lost is counted once, and so is each outcome that came too late; a listener tells that it is away', async () => {
  await using lab = await openLab();
  const line = new Line();
  const postgres = new URL(lab.url);
  await line.open(postgres);
  try {
    const frozen = await startWatched(lab);
    await startSleeping(lab, 3);
    await until(
      () => runningOn(lab, frozen),
      (ids) => ids.length === 3,
    );
    const other = await startWatched(lab, { LOVAGE_DIRECT_URL: line.through(postgres) });
    frozen.child.kill('SIGSTOP');
    await until(
      () => sum([other], 'lovage_tasks_rescued_total', { cause: 'silence' }),
      (rescued) => rescued === 3,
      40_000,
    );
    expect(await sum([other], 'lovage_tasks_rescued_total', { cause: 'crash' })).toBe(0);
    expect(await sum([other], 'lovage_task_crashes_total', {})).toBe(0);
    frozen.child.kill('SIGCONT');
    const woken = await until(
      frozen.scrape,
      (seen) => seen.value('lovage_task_outcomes_dropped_total', { name: 'diag.sleep' }) === 3,
    );
    await until(
      () => frozen.output(),
      (text) => text.includes('others took this worker for dead'),
    );
    expect((await frozen.scrape()).value('lovage_lease_losses_total')).toBe(1);
    expect(woken.value('lovage_task_crashes_total')).toBe(0);

    const listener = { listener: 'worker' };
    const before = (await other.scrape()).value('lovage_listener_last_heard_timestamp_seconds', listener);
    await line.cut();
    await until(other.scrape, (seen) => seen.value('lovage_listener_connected', listener) === 0);
    await line.open(postgres);
    const back = await until(other.scrape, (seen) => seen.value('lovage_listener_connected', listener) === 1);
    expect(back.value('lovage_listener_last_heard_timestamp_seconds', listener)).toBeGreaterThan(
      before ?? NaN,
    );
  } finally {
    await line.cut();
  }
});
