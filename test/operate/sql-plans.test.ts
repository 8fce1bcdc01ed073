import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLab, type Lab } from '../lab.ts';

const HISTORY = 100_000;
const BACKLOG = 60_000;
const PAGE_BYTES = 8_192;

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
           now(), now(), now() + interval '90 days', '{}', '[{"number": 1, "type": "queued", "attempt": 0}]'
    FROM generate_series(1, 20000) n;
    WITH added AS (
      INSERT INTO lovage.task (id, name, queue, input, events)
      SELECT lovage.uuid_v7(), 'diag.noop', 'diag', '{}', 1 FROM generate_series(1, ${BACKLOG}) RETURNING id)
    INSERT INTO ${table} (id, name, data, retry_limit, policy)
    SELECT id, 'diag', '{"name": "diag.noop"}', 1000000000, 'standard' FROM added;
    UPDATE ${table} SET state = 'active' WHERE id IN (SELECT id FROM ${table} ORDER BY id LIMIT 5);
    UPDATE lovage.task SET state = 'running', started_at = now() WHERE id IN (SELECT id FROM ${table} WHERE state = 'active');
    RESET session_replication_role;
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
  ['v_batches', 0, 100],
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
