import { afterEach, expect, test } from 'vitest';
import { configFile, spawnLovage, until, type LabProcess } from '../lab.ts';
import { kill, NODE_COMPILE_CACHE } from '../worker/processes.ts';
import { following, openRoad, openServers, type Server } from './cluster.ts';

const WORKERS = 3;
const started: LabProcess[] = [];
afterEach(async () => {
  for (const process of started.splice(0)) await kill(process);
});

async function startWorkers(url: string): Promise<LabProcess[]> {
  for (let n = 0; n < WORKERS; n += 1) {
    const env = { DATABASE_URL: url, LOVAGE_CONFIG: configFile, NODE_COMPILE_CACHE };
    const worker = spawnLovage(['worker', '--queues', 'diag', '--concurrency', '10'], env);
    started.push(worker);
    await until(worker.output, (text) => text.includes('worker started'), 40_000);
  }
  return [...started];
}

const count = async (server: Server, condition: string): Promise<number> =>
  (await server.query<{ n: number }>(`SELECT count(*)::int AS n FROM lovage.task WHERE ${condition}`))[0]
    ?.n ?? 0;

/** Keeps the workers busy until it is told to end; meanwhile Postgres may be away. */
function startLoad(present: () => Server) {
  const over = new AbortController();
  const sleeps = JSON.stringify(
    Array.from({ length: 20 }, (_, n) => ({ name: 'diag.sleep', queue: 'diag', input: { ms: 40 * n } })),
  );
  const running = (async () => {
    while (!over.signal.aborted) {
      await until(
        async () => {
          const open = await count(present(), 'NOT lovage.is_final(state)').catch(() => Infinity);
          return open < 60 || over.signal.aborted;
        },
        Boolean,
        60_000,
      );
      await present()
        .query('SELECT count(*) FROM lovage.add_tasks($1)', [sleeps])
        .catch(() => undefined);
    }
  })();
  return async () => {
    over.abort();
    await running;
  };
}

/** So many more attempts have ended well. */
async function progressBy(server: Server, more: number): Promise<void> {
  const before = await until(
    () => count(server, `state = 'succeeded'`).catch(() => -1),
    (n) => n >= 0,
  );
  await until(
    () => count(server, `state = 'succeeded'`).catch(() => 0),
    (n) => n >= before + more,
    40_000,
  );
}

async function expectNoAlarm(server: Server, workers: LabProcess[]): Promise<void> {
  await until(
    () => count(server, 'NOT lovage.is_final(state)'),
    (n) => n === 0,
    40_000,
  );
  expect(await server.query(`SELECT * FROM lovage.task_event WHERE type = 'rescued'`)).toEqual([]);
  expect(await count(server, `crashes > 0 OR failures > 0 OR state <> 'succeeded'`)).toBe(0);
  expect(await server.query('SELECT * FROM lovage.check_invariants()')).toEqual([]);
  expect(await server.query('SELECT * FROM lovage.worker WHERE lost_at IS NOT NULL')).toEqual([]);
  for (const { child, output } of workers) {
    expect(child.exitCode).toBeNull();
    expect(output()).not.toContain('queued again');
    expect(output()).not.toContain('no longer its own');
  }
}

test('leases whose backends are terminated, and a busy event loop of 10 s, look like no death', async () => {
  await using servers = await openServers();
  const { primary } = servers;
  await primary.start();
  const workers = await startWorkers(primary.url);
  const endLoad = startLoad(() => primary);
  const blocked = 'SELECT count(*) FROM lovage.add_tasks($1)';
  const block = JSON.stringify([{ name: 'faults.blocks', queue: 'diag', input: { ms: 10_000 } }]);
  await primary.query(blocked, [block]);
  // One alone is seen by the others; of all at once each was cut off himself.
  for (const many of [1, 1, WORKERS, WORKERS]) {
    await progressBy(primary, 50);
    const cut = await primary.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lovage lease' ORDER BY backend_start LIMIT $1`,
      [many],
    );
    expect(cut).toHaveLength(many);
    await until(
      () => primary.query(`SELECT FROM pg_stat_activity WHERE application_name = 'lovage lease'`),
      (rows) => rows.length === WORKERS,
    );
  }
  await until(
    () => count(primary, `name = 'faults.blocks' AND state = 'succeeded'`),
    (n) => n === 1,
    30_000,
  );
  await endLoad();
  await expectNoAlarm(primary, workers);
});

test('a server that is stopped and started again, or loses all its backends to one crash, kills no worker', async () => {
  await using servers = await openServers();
  const { primary } = servers;
  await primary.start();
  const workers = await startWorkers(primary.url);
  const endLoad = startLoad(() => primary);
  for (const how of ['fast', 'immediate'] as const) {
    await progressBy(primary, 50);
    await primary.stop(how);
    await primary.start();
  }
  await progressBy(primary, 50);
  const [victim] = await primary.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'lovage lease' LIMIT 1`,
  );
  process.kill(victim?.pid ?? 0, 'SIGKILL');
  await progressBy(primary, 50);
  await endLoad();
  await expectNoAlarm(primary, workers);
  const [starts] = await primary.query('SELECT count(*)::int AS n FROM lovage.server_start');
  expect(starts).toEqual({ n: 4 });
});

test('a failover by pg_promote is nobody’s death', async () => {
  await using servers = await openServers();
  const { primary, standby } = servers;
  // What was committed there is here as well, as Patroni has it when it matters.
  await primary.start({ synchronous_standby_names: '*', synchronous_commit: 'remote_apply' });
  await standby.start(following(primary));
  await using road = await openRoad(primary);
  let present = primary;
  const workers = await startWorkers(road.url);
  const endLoad = startLoad(() => present);
  await progressBy(primary, 60);

  road.leadTo(undefined);
  await primary.stop('immediate');
  // First they reach a standby, which takes no writes.
  road.leadTo(standby);
  await until(
    () => workers.filter(({ output }) => output().includes('read-only transaction')).length,
    (n) => n === WORKERS,
  );
  await standby.query('SELECT pg_promote(true)');
  present = standby;
  await progressBy(standby, 60);
  await endLoad();
  await expectNoAlarm(standby, workers);
});
