import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listBatches } from '../../src/batches/list.ts';
import { readCluster } from '../../src/metrics/read-cluster.ts';
import { listQueues } from '../../src/queues/list.ts';
import { getStats } from '../../src/stats/get.ts';
import { getTask } from '../../src/tasks/get.ts';
import { listTasks } from '../../src/tasks/list.ts';
import { listWorkers } from '../../src/workers/list.ts';
import { openLab, type Lab } from '../lab.ts';

const HISTORY = 100_000;
const BACKLOG = 60_000;
const PAGE_BYTES = 8_192;
const UNKNOWN = 'ffffffff-ffff-7fff-bfff-ffffffffffff';

let lab: Lab;
let session: pg.Client;
beforeAll(async () => {
  lab = await openLab();
  session = new pg.Client({ connectionString: lab.url });
  await session.connect();
  const [{ table } = { table: '' }] = await lab.sql<{ table: string }>(
    `SELECT 'pgboss.' || job_table AS table FROM lovage.queue_control WHERE queue = 'diag'`,
  );
  // Past the triggers, for speed: a history as the journal writes it, one failure in a thousand, and as many that wait.
  await session.query(`
    SET session_replication_role = replica;
    INSERT INTO lovage.task (id, name, queue, state, input, attempt, events, started_at, finished_at)
    SELECT lovage.uuid_v7_at((extract(epoch FROM now()) * 1e6)::bigint - ${HISTORY} + n), 'diag.noop', 'diag',
           CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'succeeded' END::lovage.task_state, '{}', 1, 2, now(), now()
    FROM generate_series(1, ${HISTORY}) n;
    INSERT INTO lovage.task_event (task_id, number, type, attempt)
    SELECT t.id, k, CASE k WHEN 1 THEN 'started' ELSE t.state::text END, 1 FROM lovage.task t, generate_series(1, 2) k;
    SELECT lovage.make_archive_partition(now() + interval '90 days');
    INSERT INTO lovage.task_archive (id, tenant, name, queue, state, attempt, created_at, finished_at, expires_at, task, events)
    SELECT lovage.uuid_v7_at((extract(epoch FROM now() - interval '2 days') * 1e6)::bigint + n), 'default', 'diag.noop', 'diag', 'succeeded', 1,
           now(), now(), now() + interval '90 days',
           jsonb_build_object('events', 1, 'due_at', now(), 'priority', 0, 'max_attempts', 3, 'crashes', 0, 'result_ttl_ms', 1),
           '[{"number": 1, "type": "queued", "attempt": 0}]'
    FROM generate_series(1, 20000) n;
    UPDATE lovage.archive_partition SET tasks = 20000, min_id = (SELECT id FROM lovage.task_archive ORDER BY id LIMIT 1),
           max_id = (SELECT id FROM lovage.task_archive ORDER BY id DESC LIMIT 1);
    WITH added AS (
      INSERT INTO lovage.task (id, name, queue, input, events)
      SELECT lovage.uuid_v7(), 'diag.noop', 'diag', '{}', 1 FROM generate_series(1, ${BACKLOG}) RETURNING id)
    INSERT INTO ${table} (id, name, data, retry_limit, policy)
    SELECT id, 'diag', '{"name": "diag.noop"}', 1000000000, 'standard' FROM added;
    UPDATE ${table} SET state = 'active' WHERE id IN (SELECT id FROM ${table} ORDER BY id LIMIT 5);
    UPDATE lovage.task SET state = 'running', started_at = now() WHERE id IN (SELECT id FROM ${table} WHERE state = 'active');
    INSERT INTO lovage.batch (id, tenant, size) SELECT lovage.uuid_v7(), 'default', 1 FROM generate_series(1, 20000);
    INSERT INTO lovage.webhook_delivery (id, tenant, url, event, payload)
    SELECT lovage.uuid_v7(), 'default', 'https://example.com', 'task.failed', '{}' FROM generate_series(1, 20000);
    INSERT INTO lovage.audit_log (id, tenant, actor, action, outcome)
    SELECT lovage.uuid_v7(), 'default', 'key:test', 'tasks.cancel', 'ok' FROM generate_series(1, 20000);
    RESET session_replication_role;
    ANALYZE lovage.batch; ANALYZE lovage.webhook_delivery; ANALYZE lovage.audit_log;
    ANALYZE lovage.task; ANALYZE lovage.task_event; ANALYZE lovage.task_archive; ANALYZE ${table}`);
});
afterAll(async () => {
  await session.end();
  await lab[Symbol.asyncDispose]();
});

/** How many pages a statement looks at, whatever functions it calls, and how many rows it answers. */
async function pagesRead(text: string) {
  const { rows } = await session.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
  );
  const plan = rows[0]?.['QUERY PLAN'][0].Plan ?? {};
  return {
    pages: (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0),
    rows: plan['Actual Rows'],
    plan: JSON.stringify(plan),
  };
}

const middle = (source: string) => `(SELECT id FROM ${source} ORDER BY id OFFSET 10000 LIMIT 1)`;
const idOf = async (source: string) =>
  (await lab.sql<{ id: string }>(`SELECT * FROM ${middle(source)} m`))[0]?.id;

test.each([
  ['one hot task', 'SELECT * FROM lovage.v_tasks WHERE id = $hot', 150],
  ['one archived task', 'SELECT * FROM lovage.v_tasks WHERE id = $old', 150],
  ['the newest tasks', 'SELECT id, state, name FROM lovage.v_tasks ORDER BY id DESC LIMIT 50', 400],
  [
    'one name’s newest',
    `SELECT id FROM lovage.v_tasks WHERE name = 'diag.noop' ORDER BY id DESC LIMIT 50`,
    400,
  ],
  ['a history', 'SELECT * FROM lovage.v_events WHERE task_id = $hot', 100],
  ['an archived history', 'SELECT * FROM lovage.v_events WHERE task_id = $old', 100],
  ['attempts', 'SELECT * FROM lovage.v_attempts WHERE task_id = $hot', 100],
  ['a payload', 'SELECT * FROM lovage.v_payloads WHERE id = $old', 100],
  ['one queue’s newest', `SELECT id FROM lovage.v_tasks WHERE queue = 'diag' ORDER BY id DESC LIMIT 50`, 400],
  ['archived attempts', 'SELECT * FROM lovage.v_attempts WHERE task_id = $old', 100],
  ['the last deliveries', 'SELECT * FROM lovage.v_deliveries ORDER BY id DESC LIMIT 20', 200],
  ['the last batches', 'SELECT * FROM lovage.v_batches ORDER BY id DESC LIMIT 20', 400],
  ['the last lines of the audit log', 'SELECT * FROM lovage.v_audit ORDER BY id DESC LIMIT 20', 100],
  ['definitions', 'SELECT * FROM lovage.v_definitions', 100],
  ['the last failures', 'SELECT * FROM lovage.v_failures ORDER BY failed_at DESC LIMIT 20', 400],
  [
    'failures of an hour',
    `SELECT count(*) FROM lovage.v_failures WHERE failed_at > now() - interval '1 hour'`,
    1_000,
  ],
] as const)('%s: a few pages of 180,000 tasks and 200,000 events', async (_, text, atMost) => {
  const [hot, old] = [await idOf('lovage.task'), await idOf('lovage.task_archive')];
  const { pages, plan } = await pagesRead(text.replace('$hot', `'${hot}'`).replace('$old', `'${old}'`));
  expect(pages).toBeLessThan(atMost);
  expect(plan).not.toMatch(/"Seq Scan".{0,120}"(task|task_event)"/);
});

test.each([
  ['v_queue_depth', 13, 12_000],
  ['v_running', 5, 6_000],
  ['v_workers', 0, 6_000],
  ['v_stuck', 1, 24_000],
  ['v_schedules', 0, 100],
  ['v_webhooks', 0, 100],
  ['v_locks', 0, 500],
])('%s reads what waits up to its bound and no final task', async (view, rows, atMost) => {
  const read = await pagesRead(`SELECT * FROM lovage.${view}`);
  expect(read.rows).toBe(rows);
  expect(read.pages).toBeLessThan(atMost);
  const [{ pages: all } = { pages: 0 }] = await lab.sql<{ pages: number }>(
    `SELECT (pg_relation_size('lovage.task') / ${PAGE_BYTES})::int AS pages`,
  );
  expect(read.plan).not.toMatch(/"Seq Scan".{0,120}"(task|task_event)"/);
  expect(all).toBeGreaterThan(5_000);
});

test('throughput reads no more lines of history than it is allowed', async () => {
  const all = await pagesRead('SELECT sum(tasks) FROM lovage.v_throughput');
  const some = await pagesRead('SELECT sum(tasks) FROM lovage.throughput(at_most => 1000)');
  const none = await pagesRead(`SELECT sum(tasks) FROM lovage.throughput('0 s')`);
  expect(some.pages).toBeLessThan(6_000);
  expect(none.pages).toBeLessThan(500);
  expect(all.pages).toBeLessThan(5 * 200_000);
});

/** How many rows are read of all tables, also within functions: counted in the transaction that reads them. */
async function rowsRead(
  work: (on: { pool: pg.Pool; db: NodePgDatabase }) => Promise<unknown>,
): Promise<number> {
  const counted = async () => {
    const { rows } = await session.query<{ read: number }>(
      `SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int AS read
       FROM pg_stat_xact_all_tables WHERE schemaname IN ('lovage', 'pgboss')`,
    );
    return rows[0]?.read ?? NaN;
  };
  await session.query('BEGIN');
  try {
    const before = await counted();
    await work({ pool: session as unknown as pg.Pool, db: drizzle(session) });
    return (await counted()) - before;
  } finally {
    await session.query('ROLLBACK');
  }
}

test.each([
  ['the newest', {}, 300],
  ['by name', { name: 'diag.noop' }, 300],
  ['by a name that no task has', { name: 'diag.none' }, 300],
  ['by queue', { queue: 'diag' }, 300],
  ['that wait', { state: ['queued'] }, 300],
  ['that failed, of a hundred', { state: ['failed'] }, 600],
  ['that failed, by name', { name: 'diag.noop', state: ['failed'] }, 600],
  ['that were cancelled or expired, which none was', { state: ['cancelled', 'expired'] }, 600],
  ['that wait for children', { state: ['waiting'] }, 300],
  ['by tag', { tag: 'none' }, 300],
] as const)('a list of tasks %s reads about as many rows as it shows', async (_, filter, atMost) => {
  expect(await rowsRead(({ db }) => listTasks({ db }, lab.caller, filter))).toBeLessThan(atMost);
});

test('a look-up by id reads a few rows, wherever the task is, and if it is nowhere', async () => {
  const [hot = '', old = ''] = [await idOf('lovage.task'), await idOf('lovage.task_archive')];
  for (const id of [hot, old]) expect(await rowsRead((on) => getTask(on, lab.caller, id))).toBeLessThan(50);
  const unknown = (on: { db: NodePgDatabase }) =>
    expect(getTask(on, lab.caller, UNKNOWN)).rejects.toThrow('no task has the id');
  expect(await rowsRead(unknown)).toBeLessThan(50);
});

test('queues, stats, metrics, workers and batches read no more of a backlog than they count', async () => {
  // Beside the ten thousand, what runs is told from what waits while that is but some 16 MB.
  const counted = 10_000 + BACKLOG + 1_000;
  expect(await rowsRead((on) => listQueues(on))).toBeLessThan(counted);
  expect(await rowsRead((on) => getStats(on))).toBeLessThan(counted + 10_000);
  expect(await rowsRead(({ pool }) => readCluster(pool))).toBeLessThan(counted);
  expect(await rowsRead((on) => listWorkers(on))).toBeLessThan(1_000);
  expect(await rowsRead((on) => listBatches(on, lab.caller))).toBeLessThan(1_000);
});

test('beyond what is counted, what waits is Postgres’ estimate, and says so', async () => {
  const [row] = await lab.sql<{ waiting: number }>(
    `SELECT waiting, ready, is_more FROM lovage.v_queue_depth WHERE queue = 'diag'`,
  );
  expect(row).toMatchObject({ is_more: true });
  expect(Math.abs((row?.waiting ?? 0) - BACKLOG)).toBeLessThan(BACKLOG / 10);
  const { items } = await listQueues({ pool: lab.lovage.pool });
  expect(items.find(({ name }) => name === 'diag')).toMatchObject({
    waiting: row?.waiting,
    waitingIsMore: true,
  });
});

test('tasks that are delayed do not hide the oldest that is due, however many stand before it', async () => {
  await session.query('BEGIN');
  const [{ table } = { table: '' }] = await lab.sql<{ table: string }>(
    `SELECT 'pgboss.' || job_table AS table FROM lovage.queue_control WHERE queue = 'spare'`,
  );
  await session.query(`SET LOCAL session_replication_role = replica;
    INSERT INTO ${table} (id, name, priority, created_on, start_after, policy)
    SELECT lovage.uuid_v7(), 'spare', 5, now() - interval '1 hour', now() + interval '1 hour', 'standard' FROM generate_series(1, 30000);
    INSERT INTO ${table} (id, name, priority, created_on, start_after, policy)
    VALUES (lovage.uuid_v7(), 'spare', 0, now() - interval '90 s', now() - interval '90 s', 'standard')`);
  const { rows } = await session.query(
    `SELECT scheduled > 10000 AS "isMore", round(extract(epoch FROM now() - oldest))::int AS seconds FROM lovage.queue_depths('spare')`,
  );
  expect(rows).toEqual([{ isMore: true, seconds: 90 }]);
  await session.query('ROLLBACK');
});
