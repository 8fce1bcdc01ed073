import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { putSchedule } from '../../src/schedules/put.ts';
import { listRuns } from '../../src/schedules/runs.ts';
import { configFile, openLab, until, type Lab, type LabProcess } from '../lab.ts';
import { inTransaction } from '../transaction.ts';
import { kill, NODE_COMPILE_CACHE, openWire, startWorkerProcess } from '../worker/processes.ts';
import { isShort } from './form.ts';

/** Ten workers in all; a machine of a few cores starts four processes sooner than ten. */
const WORKERS_OF_PROCESSES = [3, 2, 3, 2];
const VICTIMS = 2;
const SCHEDULES = 8;
const SECONDS = isShort ? 6 : 20;

let lab: Lab;
const children: ChildProcess[] = [];
beforeAll(async () => {
  lab = await openLab();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await lab[Symbol.asyncDispose]();
});

const put = (name: string, more: { missed?: 'skip' | 'once' } = {}) =>
  putSchedule(lab.lovage, lab.caller, { name, task: 'diag.noop', input: {}, cron: '* * * * * *', ...more });
/** A process with so many workers, once all of them claim. */
async function startTogether(count: number): Promise<LabProcess> {
  const program = new URL('fixtures/workers.ts', import.meta.url).pathname;
  const args = ['--conditions=lovage-source', program, configFile, lab.url, String(count)];
  const env = { ...process.env, NODE_COMPILE_CACHE, LOVAGE_DIAG: '1' };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals);
  children.push(child);
  await until(() => text.includes('workers started'), Boolean, 90_000);
  return { child, output: () => text, exited };
}
const runsOf = async (name: string) => (await listRuns(lab.lovage, lab.caller, name, { limit: 200 })).items;

/** Of every schedule: its runs, the tasks that they name, the tasks that bear its tag, and the seconds they span. */
const counts = () =>
  lab.sql<{ name: string; runs: number; times: number; tasks: number; tagged: number; seconds: number }>(
    `SELECT s.name, count(*)::int AS runs, count(DISTINCT r.occurrence)::int AS times,
            count(DISTINCT t.id)::int AS tasks,
            (SELECT count(*)::int FROM lovage.task g WHERE g.tags @> ARRAY['schedule:' || s.name] AND g.tags <> '{}') AS tagged,
            extract(epoch FROM max(r.occurrence) - min(r.occurrence))::int + 1 AS seconds
     FROM lovage.schedule s
     JOIN lovage.schedule_run r ON r.schedule_id = s.id AND r.kind = 'due'
     LEFT JOIN lovage.task t ON t.id = r.task_id
     GROUP BY s.id ORDER BY s.name`,
  );

test('ten workers start each of many occurrences once and leave none out, while workers are killed', async () => {
  const workers = await Promise.all(WORKERS_OF_PROCESSES.map(startTogether));
  expect((await lab.sql('SELECT FROM lovage.worker')).length).toBe(10);
  for (let i = 0; i < SCHEDULES; i += 1) await put(`each-second-${i}`);
  const from = performance.now();
  const victims = workers.splice(0, VICTIMS);
  for (const [i, victim] of victims.entries()) {
    // Not always at the same part of a second.
    await until(() => performance.now() - from > ((i + 1) * SECONDS * 1_037) / (victims.length + 1));
    await kill(victim);
  }
  await until(() => performance.now() - from > SECONDS * 1_000, Boolean, 60_000);
  await lab.sql('UPDATE lovage.schedule SET paused_at = now()');
  await Promise.all(workers.map(kill));

  const found = await counts();
  console.log(`occurrences of each schedule: ${found.map(({ runs }) => runs).join(', ')}`);
  expect(found).toHaveLength(SCHEDULES);
  for (const { name, runs, times, tasks, tagged, seconds } of found) {
    expect(runs, name).toBeGreaterThan(SECONDS / 2);
    expect({ times, tasks, tagged, seconds }, name).toEqual({
      times: runs,
      tasks: runs,
      tagged: runs,
      seconds: runs,
    });
  }
  const [late] = await lab.sql<{ p50: number; p99: number }>(
    `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99
     FROM (SELECT extract(epoch FROM at - occurrence)::float8 * 1000 AS ms FROM lovage.schedule_run) l`,
  );
  console.log(`started after their time: median ${late?.p50.toFixed(1)} ms, p99 ${late?.p99.toFixed(1)} ms`);
  expect(await lab.violations()).toEqual([]);
  await lab.sql('DELETE FROM lovage.schedule');
});

test('a worker that is killed between its lock and its commit leaves the occurrence to another', async () => {
  const victim = await startTogether(1);
  await inTransaction(lab.lovage.pool, async (tx) => {
    await tx.query('LOCK TABLE lovage.schedule_run IN EXCLUSIVE MODE');
    await put('stuck');
    const waiting = () =>
      lab.sql(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%schedule_run%'",
      );
    await until(waiting, (rows) => rows.length > 0);
    await kill(victim);
  });
  const other = await startTogether(1);
  await until(
    () => runsOf('stuck'),
    (runs) => runs.length >= 2,
  );
  await lab.sql('UPDATE lovage.schedule SET paused_at = now()');
  await kill(other);
  const [found] = await counts();
  expect(found).toMatchObject({
    runs: found?.seconds,
    times: found?.runs,
    tasks: found?.runs,
    tagged: found?.runs,
  });
  await lab.sql('DELETE FROM lovage.schedule');
});

test('after a time without any worker, what was missed is skipped or made up once, and all goes on', async () => {
  const former = await startWorkerProcess(lab, ['--queues', 'diag']);
  await put('skips');
  await put('makes-up', { missed: 'once' });
  for (const name of ['skips', 'makes-up'])
    await until(
      () => runsOf(name),
      (runs) => runs.length > 0,
    );
  await kill(former);
  // As if it had been away for ten minutes.
  await lab.sql("UPDATE lovage.schedule SET next_at = next_at - interval '10 minutes'");
  const after = await startWorkerProcess(lab, ['--queues', 'diag']);
  const isOn = (kind: string) => (runs: { kind: string; at: string }[]) => {
    const turn = runs.findIndex((run) => run.kind === kind);
    return turn >= 0 && runs.some((run) => run.kind === 'due' && run.at > (runs[turn]?.at ?? ''));
  };
  const skips = await until(() => runsOf('skips'), isOn('skipped'));
  const madeUp = await until(() => runsOf('makes-up'), isOn('made_up'));
  await kill(after);
  expect(skips.filter(({ kind }) => kind !== 'due')).toMatchObject([{ kind: 'skipped', taskId: null }]);
  expect(madeUp.filter(({ kind }) => kind !== 'due')).toMatchObject([
    { kind: 'made_up', taskId: expect.any(String) as string },
  ]);
});

test.skipIf(isShort)(
  'a worker without schedules asks for them no more than once in five seconds',
  async () => {
    await lab.sql('DELETE FROM lovage.schedule');
    await using wire = await openWire(lab.url);
    const idle = await startWorkerProcess(lab, ['--queues', 'diag'], { DATABASE_URL: wire.url });
    // The text goes over once; after that only the name of the prepared statement does.
    const asked = () => wire.sent('lovage_next_schedule');
    await until(asked);
    const [before, from] = [asked(), performance.now()];
    await until(() => performance.now() - from > 10_500, Boolean, 20_000);
    expect(asked() - before).toBeLessThanOrEqual(2);
    await kill(idle);
  },
);
