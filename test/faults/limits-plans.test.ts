import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLog } from '../../src/log.ts';
import { openClaims } from '../../src/queue/claim.ts';
import { sendTasks } from '../../src/queue/send.ts';
import { newTask, openJournalLab, until, type JournalLab } from '../journal/journal-lab.ts';

const BACKLOG = 100_000;
const AT_ONCE = 50;

let lab: JournalLab;
beforeAll(async () => {
  lab = await openJournalLab();
  await lab.sql('ALTER TABLE lovage.task SET (autovacuum_enabled = off)');
});
afterAll(() => lab[Symbol.asyncDispose]());

const analyze = async (queue: string) =>
  apart(
    async (pool) => void (await pool.query(`ANALYZE ${await lab.partition(queue)}; ANALYZE lovage.task`)),
  );

/** What Postgres believes about a limited queue's table when the backlog has come in. */
const beliefs = {
  'no statistics': ['spare', async () => undefined],
  'statistics of it': ['spare', async () => analyze('spare')],
  'statistics of when all that it held was running': ['solo', async () => undefined],
} as const;

const loaded = new Set<string>();

describe.each(Object.entries(beliefs))('with a large backlog and %s', (_, [queue, prepare]) => {
  beforeAll(async () => {
    const table = await lab.partition(queue);
    if (!loaded.has(queue)) {
      loaded.add(queue);
      await lab.sql(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`);
      await lab.sql('SELECT lovage.set_limits($1, 500, 400, 100000, 60000)', [queue]);
      const tasks = Array.from({ length: AT_ONCE }, () => newTask({ queue, concurrencyKey: 'k1' }));
      await sendTasks(lab.lovage.pool, tasks);
      await apart((pool) => claimOn(pool, queue));
      if (queue === 'solo') await analyze(queue);
      await loadBacklog(queue);
    }
    await prepare();
  });

  test('a claim within limits reads about as many rows as run and as it takes, by index', async () => {
    const before = await counters(queue);
    await apart(async (pool) => expect(await claimOn(pool, queue)).toHaveLength(AT_ONCE));
    const after = await counters(queue);
    expect(after.scans - before.scans).toBe(0);
    expect(after.jobs - before.jobs).toBeLessThan(20 * AT_ONCE);
    expect(after.tasks - before.tasks).toBeLessThan(10 * AT_ONCE);
  });
});

test('of a full key at the head of the queue only a few are read', async () => {
  await lab.unseen("UPDATE pgboss.job SET singleton_key = 'busy' WHERE name = 'spare' AND state < 'active'");
  const [other] = await sendTasks(lab.lovage.pool, [newTask({ queue: 'spare', concurrencyKey: 'other' })]);
  await lab.sql("SELECT lovage.set_limits('spare', 500, 1, NULL, NULL)");
  await apart((pool) => claimOn(pool, 'spare', 1));
  const before = await counters('spare');
  const claims = await apart((pool) => claimOn(pool, 'spare'));
  const after = await counters('spare');
  expect(claims.map(({ id }) => id)).toEqual([other?.id]);
  expect(after.scans - before.scans).toBe(0);
  expect(after.jobs - before.jobs).toBeLessThan(BACKLOG / 10);
});

async function claimOn(pool: pg.Pool, queue: string, limit = AT_ONCE) {
  const claims = await openClaims(pool, lab.workerId, createLog({ level: 'silent' }));
  try {
    return (await claims.claim(queue, limit)).tasks;
  } finally {
    await claims.close();
  }
}

/** On a connection that ends with it: a session hands in its counts at its end, or when it likes. */
async function apart<Result>(work: (pool: pg.Pool) => Promise<Result>): Promise<Result> {
  const pool = new pg.Pool({ connectionString: lab.url, max: 1, application_name: 'apart' });
  const result = await work(pool);
  await pool.end();
  await until(
    async () =>
      (await lab.sql(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'apart'`)).length === 0,
  );
  return result;
}

async function counters(queue: string) {
  await lab.lovage.pool.query('SELECT pg_stat_clear_snapshot()');
  const [row] = await lab.sql<{ scans: number; jobs: number; tasks: number }>(
    `SELECT sum(seq_scan)::int AS scans,
            sum(seq_tup_read + idx_tup_fetch) FILTER (WHERE relid = to_regclass($1))::int AS jobs,
            sum(seq_tup_read + idx_tup_fetch) FILTER (WHERE relid = 'lovage.task'::regclass)::int AS tasks
     FROM pg_stat_all_tables WHERE relid IN (to_regclass($1), 'lovage.task'::regclass)`,
    [await lab.partition(queue)],
  );
  if (!row) throw new Error('no counters');
  return row;
}

/** Past the triggers, for speed. */
async function loadBacklog(queue: string) {
  await lab.unseen(`WITH added AS (
     INSERT INTO lovage.task (id, name, queue, input, events, concurrency_key)
     SELECT lovage.uuid_v7(), 'diag.noop', '${queue}', '{}', 1, 'k' || n % 20 FROM generate_series(1, ${BACKLOG}) AS n
     RETURNING id, concurrency_key)
   INSERT INTO ${await lab.partition(queue)} (id, name, data, retry_limit, policy, singleton_key)
   SELECT id, '${queue}', '{"name": "diag.noop"}', 1000000000, 'standard', concurrency_key FROM added`);
}
