import { expect } from 'vitest';
import { keepHouse } from '../../src/archive/keep-house.ts';
import { noop } from '../../packs/diag/tasks.ts';
import { onConnection, test as base, until } from '../journal/journal-lab.ts';
import { archiveAtOnce, countIn, makeFinal } from './archive-lab.ts';

const test = base.extend<{ due: void }>({
  due: [
    async ({ lab }, use) => {
      await lab.unseen(
        'DELETE FROM lovage.task_archive; DELETE FROM lovage.upkeep; DELETE FROM lovage.audit_log',
      );
      // Whoever keeps house does not wait for an ANALYZE here.
      await lab.sql(`INSERT INTO lovage.upkeep (subject) VALUES ('analyze')`);
      await archiveAtOnce(lab);
      await use();
    },
    { auto: true },
  ],
});

test('of many workers that ask, one keeps house, and what it did is written down', async ({ lab }) => {
  await makeFinal(lab, 50, { state: 'failed' });
  const workers = await Promise.all([1, 2].map(() => lab.worker({ housekeepingMs: 1_000 })));
  await until(
    () => countIn(lab, 'task_archive'),
    (count) => count >= 50,
  );
  const rounds = () =>
    lab.sql<{ state: string; overlap: boolean }>(
      `SELECT t.state, EXISTS (SELECT FROM lovage.task o WHERE o.name = t.name AND o.id <> t.id AND o.started_at < coalesce(t.finished_at, now()) AND t.started_at < coalesce(o.finished_at, now())) AS overlap
     FROM lovage.any_tasks(ARRAY(SELECT id FROM lovage.task WHERE name = 'lovage.keepHouse' UNION SELECT id FROM lovage.task_archive WHERE name = 'lovage.keepHouse')) t`,
    );
  const found = await until(
    rounds,
    (rows) => rows.filter(({ state }) => state === 'succeeded').length >= 2,
    25_000,
  );
  expect(found.some(({ overlap }) => overlap)).toBe(false);
  expect(
    await lab.sql(`SELECT detail ->> 'isOver' AS over FROM lovage.upkeep WHERE subject = 'house'`),
  ).toEqual([{ over: 'true' }]);
  await Promise.all(workers.map((worker) => worker.drain(5_000)));
});

test('jobs that psql finished are gone within minutes, of a backlog of waiting ones none', async ({
  lab,
}) => {
  const { id } = await lab.enqueue(noop, {});
  const waiting = await lab.enqueue(noop, {});
  await lab.sql('UPDATE lovage.queue_control SET archive_after_ms = 86400000; ');
  await lab.sql('UPDATE lovage.definition SET archive_after_ms = 86400000');
  await lab.byHand(`UPDATE pgboss.job SET state = 'completed' WHERE id = '${id}'`);
  expect(await keepHouse(lab.lovage)).toMatchObject({ jobs: 0 });
  await lab.sql(`UPDATE lovage.task SET finished_at = now() - interval '3 minutes' WHERE id = $1`, [id]);
  expect(await keepHouse(lab.lovage)).toMatchObject({ jobs: 1 });
  expect([await lab.job(id), (await lab.job(waiting.id))?.state]).toEqual([undefined, 'created']);
  expect((await lab.get(id)).state).toBe('succeeded');
});

test('they go in batches of at most 5,000', async ({ lab }) => {
  const partition = await lab.partition();
  await lab.unseen(
    `INSERT INTO ${partition} (id, name, state) SELECT lovage.uuid_v7(), 'diag', 'completed' FROM generate_series(1, 6000)`,
  );
  const sweep = async () => (await lab.sql<{ n: number }>('SELECT lovage.sweep_jobs()::int AS n'))[0]?.n;
  expect([await sweep(), await sweep(), await sweep()]).toEqual([5_000, 1_000, 0]);
});

test('results past their time go, and no others', async ({ lab }) => {
  await makeFinal(lab, 3);
  await lab.sql(`INSERT INTO lovage.task_result (task_id, output, expires_at)
    SELECT id, '1', now() + CASE WHEN row_number() OVER () = 1 THEN interval '1 hour' ELSE interval '-1 s' END FROM lovage.task`);
  await lab.sql('UPDATE lovage.definition SET result_ttl_ms = 1');
  expect(await keepHouse(lab.lovage)).toMatchObject({ results: 2, archived: 3 });
  await lab.sql('UPDATE lovage.definition SET result_ttl_ms = 86400000; ');
  await lab.unseen('DELETE FROM lovage.task_result; DELETE FROM lovage.task_archive');
});

test('a task is kept in the archive as long as its result', async ({ lab }) => {
  await makeFinal(lab, 1);
  await lab.sql('UPDATE lovage.definition SET retention_ms = 86400000');
  await lab.sql(`INSERT INTO lovage.task_result SELECT id, '1', now() + interval '30 days' FROM lovage.task`);
  await keepHouse(lab.lovage);
  expect(
    await lab.sql(
      'SELECT a.expires_at >= r.expires_at AS outlives FROM lovage.task_archive a JOIN lovage.task_result r ON r.task_id = a.id',
    ),
  ).toEqual([{ outlives: true }]);
  await lab.unseen('DELETE FROM lovage.task_result; DELETE FROM lovage.task_archive');
});

test('audit lines, deliveries, runs, workers and batches go by their age, and stay within it', async ({
  lab,
}) => {
  const id = (age: string) =>
    `lovage.uuid_v7_at((extract(epoch FROM now() - interval '${age}') * 1000000)::bigint)`;
  for (const age of ['500 days', '1 day']) {
    await lab.sql(
      `INSERT INTO lovage.audit_log (id, at, tenant, actor, action, outcome) VALUES (${id(age)}, now() - interval '${age}', 'default', 'x', 'y', 'ok')`,
    );
    await lab.sql(
      `INSERT INTO lovage.webhook_delivery (id, tenant, url, event, payload, created_at) VALUES (${id(age)}, 'default', 'https://x', 'e', '{}', now() - interval '${age}')`,
    );
    await lab.sql(
      `INSERT INTO lovage.schedule_run (schedule_id, occurrence, kind, at) VALUES (${id(age)}, now(), 'due', now() - interval '${age}')`,
    );
    await lab.sql(
      `INSERT INTO lovage.worker (id, host, pid, queues, slots, version, stopped_at, heartbeat_at) VALUES (${id(age)}, 'h', 1, '{}', 1, 'v', now() - interval '${age}', now() - interval '${age}')`,
    );
    await lab.sql(
      `INSERT INTO lovage.batch (id, tenant, size, created_at, finished_at) VALUES (${id(age)}, 'default', 1, now() - interval '${age}', now() - interval '${age}')`,
    );
  }
  expect(await keepHouse(lab.lovage)).toMatchObject({
    audit: 1,
    deliveries: 1,
    runs: 1,
    workers: 1,
    batches: 1,
  });
  expect(await keepHouse(lab.lovage)).toMatchObject({
    audit: 0,
    deliveries: 0,
    runs: 0,
    workers: 0,
    batches: 0,
  });
  await lab.unseen('DELETE FROM lovage.webhook_delivery; DELETE FROM lovage.schedule_run');
});

test('dedupe keys of tasks that are there no longer go, also before their time', async ({ lab }) => {
  await lab.sql(
    `INSERT INTO lovage.dedupe_key (tenant, name, key, task_id, until) VALUES ('default', 'diag.noop', 'k', lovage.uuid_v7(), now() + interval '1 day')`,
  );
  expect(await keepHouse(lab.lovage)).toMatchObject({ keys: 1 });
});

test('whoever holds vacuum back is named, in the log’s place and in a row that monitors read', async ({
  lab,
}) => {
  await onConnection(lab.url, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM lovage.task');
    const holders = await lab.sql<{ kind: string; who: string }>(
      `SELECT kind, who FROM lovage.vacuum_holders('0 s')`,
    );
    expect(holders).toContainEqual({
      kind: 'transaction',
      who: expect.stringMatching(/^pid \d+ of \w+ .*idle in transaction$/) as string,
    });
    expect(await lab.sql('SELECT * FROM lovage.vacuum_holders()')).toEqual([]);
  });
  await keepHouse(lab.lovage);
  expect(await lab.sql(`SELECT detail FROM lovage.upkeep WHERE subject = 'vacuum'`)).toEqual([
    { detail: { holders: [] } },
  ]);
});

test('every table that is all churn asks for vacuum early and for a large share of the disk', async ({
  lab,
}) => {
  const asks = ['autovacuum_vacuum_scale_factor=0.02', 'autovacuum_vacuum_cost_limit=2000'];
  const hot = await lab.sql<{ name: string; asks: boolean }>(
    `SELECT c.relname AS name, coalesce(c.reloptions @> $1::text[], false) AS asks FROM pg_class c
     WHERE c.oid = ANY ('{lovage.task, lovage.task_event, lovage.task_result}'::regclass[])
        OR c.oid IN (SELECT format('pgboss.%I', q.job_table)::regclass FROM lovage.live_queues() q)`,
    [asks],
  );
  expect(hot.length).toBeGreaterThan(5);
  expect(hot.filter((table) => !table.asks)).toEqual([]);
});

test('partitioned parents are analysed once a day', async ({ lab }) => {
  await lab.sql(`DELETE FROM lovage.upkeep WHERE subject = 'analyze'`);
  await keepHouse(lab.lovage);
  const looked = `SELECT c.relname FROM pg_class c WHERE c.oid IN ('lovage.task_archive'::regclass, 'pgboss.job'::regclass) AND c.reltuples >= 0`;
  expect(await lab.sql(looked)).toHaveLength(2);
  expect(await lab.sql(`SELECT FROM lovage.upkeep WHERE subject = 'analyze'`)).toHaveLength(1);
});

test('a second copy that was restored beside its task is found and mended', async ({ lab }) => {
  await makeFinal(lab, 1, { state: 'failed' });
  const [row] = await lab.sql<{ id: string }>('SELECT id FROM lovage.task');
  await lab.sql('CREATE TEMP TABLE copy AS SELECT * FROM lovage.task');
  await keepHouse(lab.lovage);
  await lab.unseen(
    `INSERT INTO lovage.task SELECT (t.task).* FROM lovage.archived_tasks(ARRAY['${row?.id}'::uuid]) t`,
  );
  await lab.unseen(
    `INSERT INTO lovage.task_event (task_id, number, type, attempt) SELECT '${row?.id}', e.number, e.type, e.attempt FROM lovage.task_archive a, jsonb_to_recordset(a.events) AS e (number int, type text, attempt int)`,
  );
  expect(await lab.violations()).toMatchObject([{ invariant: 'archive', task_id: row?.id }]);
  await lab.sql('SELECT lovage.reconcile_archive()');
  expect(await lab.violations()).toEqual([]);
});
