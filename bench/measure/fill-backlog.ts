import type pg from 'pg';
import { withClient } from './postgres-server.ts';

export interface Sizes {
  waiting: number;
  history: number;
}

/** A task of each kind. */
export interface Ids {
  waiting: string;
  archived: string;
}

const DAYS = 90;
const THROUGHPUT_LINES = 200_000;

/**
 * Tasks that wait, and a history as the archiver leaves it: ninety partitions, a day each; of it one in a hundred failed, and
 * one in a hundred thousand bears a tag. Past the triggers and into partitions that write no log, by two connections.
 */
export async function fillBacklog(url: string, { waiting, history }: Sizes): Promise<Ids> {
  const partitions = await withFast(url, async (client) => {
    await client.query(
      `SELECT lovage.make_archive_partition(now() + n * interval '1 day') FROM generate_series(0, ${DAYS + 1}) n`,
    );
    const { rows } = await client.query<{ name: string }>(
      `UPDATE lovage.archive_partition SET tasks = 0 RETURNING name`,
    );
    for (const { name } of rows) await client.query(`ALTER TABLE lovage.${name} SET UNLOGGED`);
    return rows.map(({ name }) => name);
  });
  const half = Math.floor(history / 2);
  await Promise.all([
    withFast(url, async (client) => {
      await addHistory(client, history, { from: 1, to: half });
      await addWaiting(client, waiting);
    }),
    withFast(url, (client) => addHistory(client, history, { from: half + 1, to: history })),
  ]);
  return withFast(url, async (client) => {
    for (const name of partitions) await client.query(learn(name), [name]);
    // Not VACUUM: a history of ten million is read for it once over.
    await client.query('VACUUM ANALYZE lovage.task, lovage.task_event');
    await client.query('VACUUM ANALYZE pgboss.job');
    await client.query('ANALYZE lovage.task_archive');
    const { rows } = await client.query<Ids>(
      `SELECT (SELECT id FROM lovage.task ORDER BY id DESC LIMIT 1) AS waiting,
              (SELECT id FROM lovage.task_archive WHERE expires_at > now() + interval '44 days' LIMIT 1) AS archived`,
    );
    const [ids] = rows;
    if (!ids) throw new Error('a SELECT without a table returned nothing');
    return ids;
  });
}

const withFast = <Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> =>
  withClient(url, async (client) => {
    await client.query('SET synchronous_commit = off; SET session_replication_role = replica');
    return work(client);
  });

const addHistory = (client: pg.Client, all: number, { from, to }: { from: number; to: number }) =>
  client.query(
    `INSERT INTO lovage.task_archive (id, tenant, name, queue, state, attempt, tags, created_at, finished_at, archived_at, expires_at, task, events)
     SELECT lovage.uuid_v7_at((extract(epoch FROM w.at) * 1000000)::bigint), 'default', 'diag.noop', 'diag',
            CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'succeeded' END::lovage.task_state, 1,
            CASE WHEN n % 100000 = 0 THEN '{rare}' ELSE '{}' END::text[], w.at, w.at, w.at + interval '1 day', w.at + interval '91 days',
            '{"priority": 0, "max_attempts": 3, "failures": 0, "crashes": 0, "result_ttl_ms": 86400000, "input": {}, "events": 4, "notifies": false}'::jsonb
              || jsonb_build_object('due_at', w.at, 'started_at', w.at),
            '[{"number": 1, "type": "queued", "attempt": 0, "data": {}}, {"number": 2, "type": "started", "attempt": 1, "data": {}},
              {"number": 3, "type": "succeeded", "attempt": 1, "data": {}}, {"number": 4, "type": "archived", "attempt": 1, "data": {}}]'
     FROM generate_series($2::int, $3::int) n
     CROSS JOIN LATERAL (SELECT now() - interval '90 days' + n * (interval '89 days' / $1) AS at) w`,
    [all, from, to],
  );

/** What the journal would have written; and as much history as v_throughput reads at most, however few they are. */
async function addWaiting(client: pg.Client, count: number): Promise<void> {
  const { rows } = await client.query<{ table: string }>(
    `SELECT format('pgboss.%I', lovage.job_table('diag')) AS table`,
  );
  await client.query(
    `WITH added AS (
       INSERT INTO lovage.task (id, tenant, name, queue, max_attempts, input, created_by, events)
       SELECT lovage.uuid_v7(), 'default', 'diag.noop', 'diag', 3, '{}', 'bench', 1 FROM generate_series(1, $1::int)
       RETURNING id, created_at
     ), told AS (
       INSERT INTO lovage.task_event (task_id, number, type, attempt) SELECT id, k, CASE k WHEN 1 THEN 'queued' ELSE 'log' END, 0 FROM added, generate_series(1, $2::int) k
     )
     INSERT INTO ${rows[0]?.table} (id, name, data, retry_limit, expire_seconds, created_on, start_after, keep_until, policy)
     SELECT id, 'diag', '{"name": "diag.noop"}', 1000000000, 2147483647, created_at, created_at, '9999-01-01', 'standard' FROM added`,
    [count, Math.ceil(THROUGHPUT_LINES / count)],
  );
}

const learn = (name: string) =>
  `UPDATE lovage.archive_partition p SET tasks = c.tasks, min_id = coalesce(c.low, p.min_id), max_id = coalesce(c.high, p.max_id)
   FROM (SELECT (SELECT count(*) FROM lovage.${name}) AS tasks, (SELECT id FROM lovage.${name} ORDER BY id LIMIT 1) AS low,
                (SELECT id FROM lovage.${name} ORDER BY id DESC LIMIT 1) AS high) c
   WHERE p.name = $1`;
