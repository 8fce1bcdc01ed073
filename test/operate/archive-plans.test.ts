import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePartitionsFor } from '../../src/archive/partitions.ts';
import { getTask } from '../../src/tasks/get.ts';
import { listTasks } from '../../src/tasks/list.ts';
import { openLab, type Lab } from '../lab.ts';

const DAYS = 40;
const A_DAY = 1_000;
let lab: Lab;
/** So many days of history, a partition each. */
beforeAll(async () => {
  lab = await openLab();
  await makePartitionsFor(
    lab.lovage.pool,
    Array.from({ length: DAYS + 1 }, (_, day) => new Date(Date.now() + day * 86_400_000)),
  );
  await lab.sql(
    `INSERT INTO lovage.task_archive (id, tenant, name, queue, state, attempt, created_at, finished_at, expires_at, task, events)
     SELECT lovage.uuid_v7_at((extract(epoch FROM w.at) * 1000000)::bigint), CASE WHEN n % 500 = 0 THEN 'small' ELSE 'default' END,
            CASE WHEN n % 1000 = 7 THEN 'diag.rare' ELSE 'diag.noop' END, 'diag', CASE WHEN n % 1000 = 3 THEN 'failed' ELSE 'succeeded' END::lovage.task_state,
            1, w.at, w.at, w.at + $1::int * interval '1 day',
            jsonb_build_object('events', 1, 'due_at', w.at, 'priority', 0, 'max_attempts', 3, 'crashes', 0, 'result_ttl_ms', 1),
            '[{"number": 1, "type": "queued", "attempt": 0, "at": "2026-01-01T00:00:00Z", "data": {}}]'
     FROM generate_series(1, $1::int * $2::int) n CROSS JOIN LATERAL (SELECT now() - ($1::int - n::float8 / $2::int) * interval '1 day' AS at) w`,
    [DAYS, A_DAY],
  );
  await lab.sql(
    `UPDATE lovage.archive_partition p SET tasks = c.tasks, min_id = c.ids[1], max_id = c.ids[c.tasks]
     FROM (SELECT q.name, count(*)::int AS tasks, array_agg(a.id ORDER BY a.id) AS ids
           FROM lovage.archive_partition q JOIN lovage.task_archive a ON a.expires_at >= q.from_at AND a.expires_at < q.to_at GROUP BY q.name) c
     WHERE p.name = c.name`,
  );
  await lab.sql('ANALYZE');
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Buffers that a statement touches tell what it reads, whatever is inside a function. */
async function buffersOf(sql: string, values: unknown[] = []): Promise<number> {
  await lab.sql(sql, values);
  const [row] = await lab.sql<
    Record<string, [{ Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number } }]>
  >(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${sql}`, values);
  const plan = row?.['QUERY PLAN']?.[0].Plan;
  return (plan?.['Shared Hit Blocks'] ?? NaN) + (plan?.['Shared Read Blocks'] ?? NaN);
}
const some = async (days: number) =>
  (
    await lab.sql<{ id: string }>(
      `SELECT id FROM lovage.task_archive WHERE tenant = 'default' AND expires_at > now() + $1 * interval '1 day' ORDER BY id LIMIT 1`,
      [days],
    )
  )[0]?.id ?? '';

test('a look-up by id opens the partitions that can hold it, of forty one or two', async () => {
  const id = await some(20);
  const [row] = await lab.sql<{ n: number }>(
    'SELECT count(*)::int AS n FROM lovage.partitions_with(ARRAY[$1::uuid])',
    [id],
  );
  expect(row?.n).toBeLessThanOrEqual(2);
  expect(await getTask(lab.lovage, lab.caller, id)).toMatchObject({ id, state: 'succeeded' });
  expect(await buffersOf('SELECT * FROM lovage.archived_rows(ARRAY[$1::uuid])', [id])).toBeLessThan(60);
});

test('an id that nobody has opens none', async () => {
  expect(await buffersOf('SELECT * FROM lovage.archived_rows(ARRAY[lovage.uuid_v7()])')).toBeLessThan(20);
});

test.each([
  ['plain', '{}'],
  ['by name', '{"name": "diag.noop"}'],
  ['by queue', '{"queue": "diag"}'],
  ['of successes', '{"states": ["succeeded"]}'],
])('a page of the archive, %s, reads a page and not a history', async (_, filter) => {
  const buffers = await buffersOf(`SELECT lovage.archived_ids('default', $1, NULL, NULL, 51)`, [filter]);
  expect(buffers).toBeLessThan(400);
});

test.each([
  ['failures', '{"states": ["failed"]}', 'default', 40],
  ['a rare name', '{"name": "diag.rare"}', 'default', 40],
  ['a small tenant', '{}', 'small', 51],
])('%s are found by an index, over all partitions', async (_, filter, tenant, found) => {
  const sql = `SELECT cardinality(lovage.archived_ids('${tenant}', '${filter}', NULL, NULL, 51)) AS n`;
  expect(await lab.sql(sql)).toEqual([{ n: found }]);
  // All rows together fill several thousand pages.
  expect(await buffersOf(sql)).toBeLessThan(1_500);
});

test('a page that the hot table fills opens no partition', async () => {
  await lab.sql(
    `INSERT INTO lovage.task (id, name, queue, state, finished_at) SELECT lovage.uuid_v7(), 'diag.noop', 'diag', 'failed', now() FROM generate_series(1, 60)`,
  );
  const full = await buffersOf(
    `SELECT lovage.archived_ids('default', '{}', (SELECT (array_agg(h.id ORDER BY h.id DESC))[51] FROM lovage.task h), NULL, 51)`,
  );
  expect(full).toBeLessThan(20);
  expect((await listTasks(lab.lovage, lab.caller, { limit: 50 })).items).toHaveLength(50);
});

test('a step of the archiver looks at ten thousand rows of a backlog, whatever lies behind them', async () => {
  await lab.sql(
    `INSERT INTO lovage.task (id, name, queue) SELECT lovage.uuid_v7_at((extract(epoch FROM now() - interval '9 days') * 1000000)::bigint + n), 'diag.noop', 'diag'
     FROM generate_series(1, 40000) n`,
  );
  await lab.sql('ANALYZE lovage.task');
  const step = `SELECT looked, moved FROM lovage.archive_step('00000000-0000-0000-0000-000000000000')`;
  expect(await lab.sql(step)).toEqual([{ looked: 10_000, moved: 0 }]);
  // Each row once by its id, and once more to see that it is not final.
  expect(await buffersOf(step)).toBeLessThan(5 * 10_000);
});
