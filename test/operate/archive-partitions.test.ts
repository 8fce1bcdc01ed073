import { expect } from 'vitest';
import { keepHouse } from '../../src/archive/keep-house.ts';
import { planArchive } from '../../src/archive/plan.ts';
import { dropExpiredPartitions, makePartitions, makePartitionsFor } from '../../src/archive/partitions.ts';
import { noop } from '../../packs/diag/tasks.ts';
import { onConnection, test as base, type JournalLab } from '../journal/journal-lab.ts';
import { archiveAll, archiveAtOnce, countIn, makeFinal } from './archive-lab.ts';

const test = base.extend<{ empty: void }>({
  empty: [
    async ({ lab }, use) => {
      const names = await partitions(lab);
      for (const name of names) await lab.sql(`DROP TABLE lovage."${name}"`);
      await lab.sql('SELECT lovage.learn_partitions()');
      await lab.sql(`DELETE FROM lovage.upkeep WHERE subject = 'clock'`);
      await archiveAtOnce(lab);
      await use();
    },
    { auto: true },
  ],
});

const partitions = async (lab: JournalLab) =>
  (await lab.sql<{ name: string }>('SELECT name FROM lovage.attached_partitions()')).map(({ name }) => name);
const later = (days: number) => new Date(Date.now() + days * 86_400_000);
/** While somebody else holds the whole archive. */
const blocked = <Result>(lab: JournalLab, work: () => Promise<Result>) =>
  onConnection(lab.url, async (client) => {
    await client.query('BEGIN; LOCK TABLE lovage.task_archive IN SHARE UPDATE EXCLUSIVE MODE');
    return work();
  });
/** Archived tasks that have expired so long ago. */
async function expired(lab: JournalLab, ago: string): Promise<string[]> {
  await lab.sql(`SELECT lovage.make_archive_partition(now() - $1::interval)`, [ago]);
  const ids = await insertArchived(lab, ago);
  await lab.sql(
    `UPDATE lovage.archive_partition SET min_id = '00000000-0000-0000-0000-000000000000', max_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'`,
  );
  return ids;
}
async function insertArchived(lab: JournalLab, ago: string): Promise<string[]> {
  const rows = await lab.sql<{ id: string }>(
    `INSERT INTO lovage.task_archive (id, tenant, name, queue, state, attempt, created_at, finished_at, expires_at, task, events)
     SELECT lovage.uuid_v7(), 'default', 'diag.noop', 'diag', 'failed', 1, now(), now(), now() - $1::interval,
            jsonb_build_object('events', 0, 'due_at', now(), 'priority', 0, 'max_attempts', 3, 'crashes', 0, 'result_ttl_ms', 1), '[]'
     FROM generate_series(1, 3) RETURNING id`,
    [ago],
  );
  return rows.map(({ id }) => id);
}

test('partitions are made for now and three periods ahead, of every retention that is named', async ({
  lab,
}) => {
  await lab.sql('UPDATE lovage.definition SET retention_ms = 7776000000');
  await lab.sql(`UPDATE lovage.definition SET retention_ms = 86400000 WHERE name = 'diag.noop'`);
  await lab.sql('UPDATE lovage.queue_control SET retention_ms = 7776000000');
  expect(await makePartitions(lab.lovage.pool)).toBe(0);
  expect(await partitions(lab)).toHaveLength(8);
  expect(await lab.sql('SELECT * FROM lovage.lacking_partitions()')).toEqual([]);
});

test('one that exists already is no error, to any number of processes that make it at once', async ({
  lab,
}) => {
  await Promise.all(Array.from({ length: 5 }, () => makePartitionsFor(lab.lovage.pool, [later(90)])));
  await makePartitionsFor(lab.lovage.pool, [later(90)]);
  expect(await partitions(lab)).toHaveLength(1);
});

test('a table of its name that is no partition stays, and the partition gets another name', async ({
  lab,
}) => {
  const [row] = await lab.sql<{ name: string }>(
    `SELECT 'task_archive_' || to_char(now() AT TIME ZONE 'UTC' + interval '90 days', 'YYYYMMDD') AS name`,
  );
  await lab.sql(`CREATE TABLE lovage."${row?.name}" (mine int)`);
  expect(await makePartitionsFor(lab.lovage.pool, [later(90)])).toBe(0);
  expect(await partitions(lab)).toEqual([`${row?.name}_1`]);
  expect(await lab.sql(`SELECT mine FROM lovage."${row?.name}"`)).toEqual([]);
  await lab.sql(`DROP TABLE lovage."${row?.name}"`);
});

test('partitions of another width fill the gaps between those that are there', async ({ lab }) => {
  await makePartitionsFor(lab.lovage.pool, [later(10), later(12)]);
  await lab.sql(`UPDATE lovage.upkeep SET detail = '{"periodMs": 604800000}' WHERE subject = 'archive'`);
  expect(await makePartitionsFor(lab.lovage.pool, [later(11), later(13)])).toBe(0);
  await lab.sql(`UPDATE lovage.upkeep SET detail = '{"periodMs": 86400000}' WHERE subject = 'archive'`);
  const rows = await lab.sql<{ gap: boolean }>(
    'SELECT bool_or(from_at <> before) AS gap FROM (SELECT from_at, lag(to_at) OVER (ORDER BY from_at) AS before FROM lovage.attached_partitions()) p',
  );
  expect(rows).toEqual([{ gap: false }]);
});

test('where a partition is blocked, enqueues go on, and tasks stay hot until it can be made', async ({
  lab,
}) => {
  await makeFinal(lab, 3, { state: 'failed' });
  await blocked(lab, async () => {
    expect(await makePartitions(lab.lovage.pool)).toBeGreaterThan(0);
    expect(await archiveAll(lab)).toMatchObject({ moved: 0, held: 1, isOver: true });
    await lab.enqueue(noop, {});
  });
  expect(await countIn(lab, 'task')).toBe(4);
  expect(await archiveAll(lab)).toMatchObject({ moved: 3, held: 0 });
});

test('a partition of all the rest that holds tasks stops no round: what it keeps out stays hot', async ({
  lab,
}) => {
  await lab.sql('UPDATE lovage.definition SET retention_ms = 7776000000');
  await lab.sql('CREATE TABLE lovage.rest PARTITION OF lovage.task_archive DEFAULT');
  await insertArchived(lab, '-90 days');
  await makeFinal(lab, 3, { state: 'failed' });
  expect(await makePartitions(lab.lovage.pool)).toBe(1);
  expect(await keepHouse(lab.lovage)).toMatchObject({ archived: 0, isOver: true });
  expect(await countIn(lab, 'task')).toBe(3);
  await lab.sql('DROP TABLE lovage.rest');
  expect(await keepHouse(lab.lovage)).toMatchObject({ archived: 3 });
});

test('a partition without an end takes tasks like any other, and is never dropped', async ({ lab }) => {
  await lab.sql(
    "CREATE TABLE lovage.endless PARTITION OF lovage.task_archive FOR VALUES FROM ('2020-01-01') TO (MAXVALUE)",
  );
  await makeFinal(lab, 3, { state: 'failed' });
  expect(await keepHouse(lab.lovage)).toMatchObject({ archived: 3, dropped: [] });
  expect((await planArchive(lab.lovage)).partitions).toMatchObject([
    { name: 'endless', to: null, tasks: 3, isExpired: false },
  ]);
  const [row] = await lab.sql<{ id: string }>('SELECT id FROM lovage.endless LIMIT 1');
  expect(await lab.get(row?.id ?? '')).toMatchObject({ state: 'failed' });
});

test('a partition that somebody dropped is made anew, and stops nothing', async ({ lab }) => {
  await makePartitions(lab.lovage.pool);
  for (const name of await partitions(lab)) await lab.sql(`DROP TABLE lovage."${name}"`);
  await makeFinal(lab, 3, { state: 'failed' });
  const kept = await keepHouse(lab.lovage).catch(() => keepHouse(lab.lovage));
  expect(kept).toMatchObject({ archived: 3 });
  expect(await countIn(lab, 'task_archive')).toBe(3);
});

test('tasks are found until their partition is dropped, whatever their time; then they are 404', async ({
  lab,
}) => {
  const ids = await expired(lab, '2 days');
  expect(await lab.get(ids[0] ?? '')).toMatchObject({ state: 'failed' });
  expect((await dropExpiredPartitions(lab.lovage.pool)).dropped).toHaveLength(1);
  await expect(lab.get(ids[0] ?? '')).rejects.toMatchObject({ code: 'task-not-found' });
  expect(await countIn(lab, 'archive_partition')).toBe(0);
});

test('a partition is dropped when its last moment has passed, not before', async ({ lab }) => {
  await expired(lab, '1 second');
  const dropped = await dropExpiredPartitions(lab.lovage.pool);
  expect(dropped).toEqual({ dropped: [], blocked: null, heldUntil: null });
  expect(await countIn(lab, 'task_archive')).toBe(3);
});

test('a drop that somebody blocks gives up at once, stops no reader, and comes again', async ({ lab }) => {
  const [id = ''] = await expired(lab, '2 days');
  await onConnection(lab.url, async (client) => {
    await client.query('BEGIN; SELECT count(*) FROM lovage.task_archive');
    const { dropped, blocked: name } = await dropExpiredPartitions(lab.lovage.pool);
    expect([dropped, name]).toEqual([[], expect.stringContaining('task_archive_')]);
    expect(await lab.get(id)).toMatchObject({ id });
  });
  expect((await dropExpiredPartitions(lab.lovage.pool)).dropped).toHaveLength(1);
});

test('retention drops by partition: no row of the archive is ever deleted for its age', async ({ lab }) => {
  await expired(lab, '2 days');
  await makePartitions(lab.lovage.pool);
  await keepHouse(lab.lovage);
  await lab.sql('SELECT pg_stat_force_next_flush()').catch(() => undefined);
  const [row] = await lab.sql<{ n: number }>(
    `SELECT coalesce(sum(n_tup_del), 0)::int AS n FROM pg_stat_user_tables WHERE relname LIKE 'task_archive%'`,
  );
  expect([row?.n, await countIn(lab, 'task_archive')]).toEqual([0, 0]);
});

test('after a leap of the clock nothing is dropped for an hour of looks', async ({ lab }) => {
  await expired(lab, '2 days');
  // The last look was, by what the clock says now, five days ago.
  await lab.sql(`INSERT INTO lovage.upkeep (subject, at) VALUES ('clock', now() - interval '5 days')`);
  const held = await dropExpiredPartitions(lab.lovage.pool);
  expect(held).toMatchObject({ dropped: [], heldUntil: expect.any(Date) as Date });
  expect((await dropExpiredPartitions(lab.lovage.pool)).heldUntil).toEqual(held.heldUntil);
  expect(await countIn(lab, 'task_archive')).toBe(3);
  await lab.sql(
    `UPDATE lovage.upkeep SET detail = jsonb_set(detail, '{heldUntil}', to_jsonb(now() - interval '1 s')) WHERE subject = 'clock'`,
  );
  expect((await dropExpiredPartitions(lab.lovage.pool)).dropped).toHaveLength(1);
});

test('a clock that is put back ends the wait, and nothing was lost', async ({ lab }) => {
  await expired(lab, '2 days');
  await lab.sql(
    `INSERT INTO lovage.upkeep (subject, at, detail) VALUES ('clock', now() + interval '5 days', jsonb_build_object('heldUntil', now() + interval '5 days'))`,
  );
  expect(await dropExpiredPartitions(lab.lovage.pool)).toMatchObject({ heldUntil: null });
});

test('what expired before the leap goes meanwhile', async ({ lab }) => {
  await expired(lab, '9 days');
  await lab.sql(`INSERT INTO lovage.upkeep (subject, at) VALUES ('clock', now() - interval '5 days')`);
  expect((await dropExpiredPartitions(lab.lovage.pool)).dropped).toHaveLength(1);
});
