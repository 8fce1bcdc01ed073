import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { expect } from 'vitest';
import { echo, noop } from '../../packs/diag/tasks.ts';
import { archiveTasks } from '../../src/archive/move.ts';
import { listChildren } from '../../src/tasks/list-children.ts';
import { retryTask } from '../../src/tasks/retry.ts';
import { succeeded, failed, newTask, until } from '../journal/journal-lab.ts';
import { archiveAll, countIn, makeFinal, placesOf } from './archive-lab.ts';
import { done, during, test, waitsForLock } from './archive-steps.ts';

test('tasks move in steps of a thousand, with all their events, and each is a transaction', async ({
  lab,
}) => {
  await makeFinal(lab, 2_300, { state: 'failed' });
  const steps: number[] = [];
  await archiveTasks(lab.lovage.pool, { onStep: ({ moved }) => steps.push(moved) });
  expect(steps.slice(0, 3)).toEqual([1_000, 2_000, 2_300]);
  expect([
    await countIn(lab, 'task'),
    await countIn(lab, 'task_event'),
    await countIn(lab, 'task_archive'),
  ]).toEqual([0, 0, 2_300]);
  const [row] = await lab.sql<{ id: string }>('SELECT id FROM lovage.task_archive LIMIT 1');
  expect(await lab.history(row?.id ?? '')).toEqual(['queued 0', 'started 1', 'failed 1', 'archived 1']);
});

test('a step whose process dies before its commit has lost and doubled nothing', async ({ lab }) => {
  const ids = [await done(lab), await done(lab)];
  const client = new pg.Client({ connectionString: lab.url });
  await client.connect();
  client.on('error', () => undefined);
  await client.query('BEGIN');
  const { rows } = await client.query<{ moved: number }>(
    "SELECT moved FROM lovage.archive_step('00000000-0000-0000-0000-000000000000')",
  );
  expect(rows[0]?.moved).toBe(2);
  await lab.sql(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()`,
  );
  for (const id of ids) expect(await placesOf(lab, id)).toEqual(['hot']);
  await until(
    async () => (await archiveAll(lab)).moved === 2 || (await placesOf(lab, ids[0] ?? ''))[0] === 'archive',
  );
  for (const id of ids) expect(await placesOf(lab, id)).toEqual(['archive']);
});

test('many archivers at once move each task once', async ({ lab }) => {
  await makeFinal(lab, 1_500, { state: 'failed' });
  const moved = await Promise.all(Array.from({ length: 4 }, () => archiveAll(lab)));
  expect(moved.reduce((sum, one) => sum + one.moved, 0)).toBe(1_500);
  expect(await countIn(lab, 'task_archive')).toBe(1_500);
});

test('a task that somebody is retrying is left alone', async ({ lab }) => {
  const id = await done(lab);
  await during(lab, 'SELECT lovage.retry($1)', [id], async (commit) => {
    expect((await archiveAll(lab)).moved).toBe(0);
    await commit();
  });
  expect(await placesOf(lab, id)).toEqual(['hot']);
  expect((await lab.get(id)).state).toBe('queued');
});

test('a retry that comes while its task is moved waits, and brings it back', async ({ lab }) => {
  const id = await done(lab);
  await during(
    lab,
    "SELECT lovage.archive_step('00000000-0000-0000-0000-000000000000')",
    [],
    async (commit) => {
      const retried = retryTask(lab.lovage, lab.caller, id);
      await waitsForLock(lab, '%lovage.retry(%');
      await commit();
      expect(await retried).toMatchObject({ outcome: 'queued', task: { state: 'queued', attempt: 1 } });
    },
  );
  expect(await placesOf(lab, id)).toEqual(['hot']);
  expect(await lab.history(id)).toEqual(['queued 0', 'started 1', 'succeeded 1', 'archived 1', 'requeued 1']);
});

test('of two retries of an archived task at once one queues it', async ({ lab }) => {
  const id = await done(lab);
  await archiveAll(lab);
  const answers = await Promise.all(
    [1, 2, 3].map(() => lab.sql<{ said: string }>('SELECT lovage.retry($1) AS said', [id])),
  );
  expect(answers.map(([row]) => row?.said ?? '').toSorted((a, b) => a.localeCompare(b))).toEqual([
    'not_final',
    'not_final',
    'queued',
  ]);
  expect(await placesOf(lab, id)).toEqual(['hot']);
});

test('a job that psql inserts under the id of an archived task runs that task again', async ({ lab }) => {
  const id = await done(lab, { input: { kept: true } });
  await archiveAll(lab);
  await lab.byHand(`INSERT INTO pgboss.job (id, name) VALUES ('${id}', 'diag')`);
  expect(await placesOf(lab, id)).toEqual(['hot']);
  expect(await lab.get(id)).toMatchObject({ state: 'queued', attempt: 1, input: { kept: true } });
});

test('such a job that comes while its task is moved finds it too', async ({ lab }) => {
  const id = await done(lab);
  await during(
    lab,
    "SELECT lovage.archive_step('00000000-0000-0000-0000-000000000000')",
    [],
    async (commit) => {
      const inserted = lab.byHand(`INSERT INTO pgboss.job (id, name) VALUES ('${id}', 'diag')`);
      await waitsForLock(lab, 'INSERT INTO pgboss.job%');
      await commit();
      await inserted;
    },
  );
  expect(await placesOf(lab, id)).toEqual(['hot']);
  expect((await lab.get(id)).state).toBe('queued');
});

test('what psql left of a job goes with its task', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  await lab.byHand(`UPDATE pgboss.job SET state = 'completed' WHERE id = '${id}'`);
  await archiveAll(lab);
  expect(await placesOf(lab, id)).toEqual(['archive']);
  expect(await lab.job(id)).toBeUndefined();
});

test('children of a parent that runs, and members of a batch that has not ended, stay; with their results', async ({
  lab,
}) => {
  const parent = await lab.running();
  const [batch] = await lab.sql<{ id: string }>(
    `INSERT INTO lovage.batch (id, tenant, size) VALUES (lovage.uuid_v7(), 'default', 2) RETURNING id`,
  );
  const member = await done(lab, { batchId: batch?.id });
  const child = await done(lab, { parentId: parent.id, parentStep: 'one' });
  await lab.sql('UPDATE lovage.task_result SET expires_at = now()');
  const waiting = await lab.enqueue(noop, {});
  await lab.sql('UPDATE lovage.task SET batch_id = $1 WHERE id = $2', [batch?.id, waiting.id]);
  await lab.sql('DELETE FROM lovage.task_end');
  await archiveAll(lab);
  await lab.sql("SELECT lovage.sweep_results('00000000-0000-0000-0000-000000000000')");
  for (const id of [member, child]) expect(await placesOf(lab, id)).toEqual(['hot']);
  expect(await countIn(lab, 'task_result')).toBe(2);
  await lab.sql('UPDATE lovage.batch SET finished_at = now()');
  await lab.settle(parent, failed);
  expect((await archiveAll(lab)).moved).toBe(3);
  await lab.unseen('DELETE FROM lovage.batch; DELETE FROM lovage.task_result');
  await lab.unseen(
    `DELETE FROM pgboss.job WHERE id = '${waiting.id}'; DELETE FROM lovage.task_event WHERE task_id = '${waiting.id}'; DELETE FROM lovage.task WHERE id = '${waiting.id}'`,
  );
});

test('a parent that is retried out of the archive finds its archived children', async ({ lab }) => {
  const parent = await lab.running();
  const children = await lab.sql<{ child_id: string }>(
    `SELECT child_id FROM lovage.add_children('diag', $1, $2, $3)`,
    [parent.id, parent.attempt, JSON.stringify([newTask({ parentStep: 'one' })])],
  );
  const id = children[0]?.child_id ?? '';
  const [claim] = await lab.claim();
  if (claim) await lab.settle(claim, succeeded);
  await lab.settle(parent, failed);
  await lab.sql('DELETE FROM lovage.task_end');
  await archiveAll(lab);
  expect([await placesOf(lab, parent.id), await placesOf(lab, id)]).toEqual([['archive'], ['archive']]);
  expect((await listChildren(lab.lovage, lab.caller, parent.id)).map((child) => child.id)).toEqual([id]);
  expect(await listChildren(lab.lovage, { tenant: 'globex' }, parent.id)).toEqual([]);
  await lab.sql('SELECT lovage.retry($1)', [parent.id]);
  expect([await placesOf(lab, parent.id), await placesOf(lab, id)]).toEqual([['hot'], ['hot']]);
});

test('progress, the callback and every column come back as they were', async ({ lab }) => {
  const { id } = await lab.enqueue(echo, { value: { a: 1 } }, { tags: ['x', 'y'], priority: 7 });
  await lab.sql(
    `INSERT INTO lovage.task_progress (task_id, attempt, current, message) VALUES ($1, 1, 5, 'half')`,
    [id],
  );
  await lab.sql(
    `INSERT INTO lovage.task_callback (task_id, url, secret) VALUES ($1, 'https://example.com', '\\x0102')`,
    [id],
  );
  const [claim] = await lab.claim();
  if (claim) await lab.settle(claim, succeeded);
  const rows = () =>
    lab.sql(
      `SELECT to_jsonb(t) - 'events' AS task, to_jsonb(p) AS progress, to_jsonb(c) AS callback FROM lovage.task t
       JOIN lovage.task_progress p ON p.task_id = t.id JOIN lovage.task_callback c ON c.task_id = t.id WHERE t.id = $1`,
      [id],
    );
  const [before, shown] = [await rows(), await lab.get(id)];
  await archiveAll(lab);
  expect([await countIn(lab, 'task_progress'), await countIn(lab, 'task_callback')]).toEqual([0, 0]);
  expect(await lab.get(id)).toEqual(shown);
  await lab.sql('SELECT lovage.recall_tasks(ARRAY[$1::uuid])', [id]);
  expect(await rows()).toEqual(before);
});

test('a webhook that arrives after its task was archived is still told of in the history', async ({
  lab,
}) => {
  const id = await done(lab);
  const [delivery] = await lab.sql<{ id: string }>(
    `INSERT INTO lovage.webhook_delivery (id, tenant, url, event, task_id, payload)
     VALUES (lovage.uuid_v7(), 'default', 'https://example.com', 'task.succeeded', $1, '{}') RETURNING id`,
    [id],
  );
  await archiveAll(lab);
  await lab.sql(`SELECT lovage.end_webhook_try($1, 'delivered', 200, NULL)`, [delivery?.id]);
  expect(await lab.history(id)).toEqual(['queued 0', 'started 1', 'succeeded 1', 'archived 1', 'webhook 1']);
});

test('retries, archivers and look-ups at once lose and double nothing', async ({ lab }) => {
  const ids = await Promise.all(Array.from({ length: 20 }, () => done(lab).catch(() => undefined)));
  for (const claim of await lab.claim()) await lab.settle(claim, succeeded);
  const all = (await lab.sql<{ id: string }>('SELECT id FROM lovage.task')).map(({ id }) => id);
  expect(ids).toHaveLength(20);
  const until = performance.now() + 1_500;
  const repeat = async (work: () => Promise<unknown>) => {
    while (performance.now() < until) {
      await work();
      await pause(1);
    }
  };
  const lost: string[] = [];
  const any = () => all[Math.floor(Math.random() * all.length)] ?? '';
  await Promise.all([
    repeat(() => archiveAll(lab)),
    repeat(() => archiveAll(lab)),
    repeat(() => lab.sql('SELECT lovage.retry($1)', [any()])),
    repeat(() => lab.sql('SELECT lovage.retry($1)', [any()])),
    repeat(async () => {
      for (const claim of await lab.claim()) await lab.settle(claim, succeeded);
    }),
    repeat(async () => {
      const id = any();
      await lab.get(id).catch(() => lost.push(id));
    }),
    repeat(() => lab.sql('SELECT lovage.reconcile()')),
  ]);
  expect(lost).toEqual([]);
  expect(await lab.violations()).toEqual([]);
  expect((await countIn(lab, 'task')) + (await countIn(lab, 'task_archive'))).toBe(all.length);
});
