import { afterAll, beforeAll, expect, test } from 'vitest';
import { echo, progress, sleep } from '../../packs/diag/tasks.ts';
import { createBatch } from '../../src/batches/create.ts';
import { capped } from '../fixtures/limits.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { inPsql, valueInPsql } from './sql-lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
  await lab.worker({ queues: ['diag'], slots: 4 });
});
afterAll(() => lab[Symbol.asyncDispose]());

const ask = async <Row extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  (await inPsql(lab.url, text, values)).rows as Row[];

test('the contract has a version, and every view, column and function of it says what it is', async () => {
  expect(await ask('SELECT lovage.contract_version() AS version')).toEqual([{ version: 1 }]);
  expect(
    await ask(`SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum >= 0
               WHERE c.relnamespace = 'lovage'::regnamespace AND c.relname LIKE 'v\\_%' AND c.relkind = 'v'
                 AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)`),
  ).toEqual([]);
});

test('a running task shows how long, how far, on which machine, and what limits it', async () => {
  const { id } = await lab.enqueue(progress, { steps: 40, everyMs: 50 });
  const [row] = await until(
    () => ask(`SELECT * FROM lovage.v_running WHERE id = $1 AND progress_percent > 0`, [id]),
    (rows) => rows.length > 0,
  );
  expect(row).toMatchObject({
    name: 'diag.progress',
    attempt: 1,
    pid: process.pid,
    progress: expect.stringMatching(/^\d+ of 40/),
    overdue_for: null,
    cancel_requested_for: null,
  });
  expect(
    await ask(`SELECT state, ran > '0' AS ran, progress FROM lovage.v_tasks WHERE id = $1`, [id]),
  ).toEqual([{ state: 'running', ran: true, progress: expect.stringMatching(/of 40/) }]);
  expect(await ask(`SELECT state, running > 0 AS busy FROM lovage.v_workers`)).toContainEqual({
    state: 'live',
    busy: true,
  });
  await lab.final(id);
});

test('a task that waits says why, a queue that nobody serves too, with what helps', async () => {
  const { id } = await lab.enqueue(capped, {});
  await lab.sql(`SELECT lovage.pause('capped', 'the provider is down')`);
  const [task] = await ask('SELECT state, why FROM lovage.v_tasks WHERE id = $1', [id]);
  expect(task).toEqual({
    state: 'queued',
    why: expect.stringMatching(/^queue "capped" is paused by sql:.*: the provider is down$/),
  });
  expect(await ask(`SELECT is_paused, ready, why FROM lovage.v_queue_depth WHERE queue = 'capped'`)).toEqual([
    { is_paused: true, ready: 1, why: 'it is paused' },
  ]);
  expect(await ask(`SELECT problem, remedy FROM lovage.v_stuck WHERE queue = 'capped'`)).toEqual([
    { problem: 'paused', remedy: `SELECT lovage.resume('capped')` },
  ]);
  await lab.sql(`SELECT lovage.resume('capped')`);
  expect(await ask('SELECT why FROM lovage.v_tasks WHERE id = $1', [id])).toEqual([
    { why: 'no live worker serves queue "capped"' },
  ]);
  expect(await ask(`SELECT problem, remedy FROM lovage.v_stuck WHERE queue = 'capped'`)).toEqual([
    { problem: 'not served', remedy: 'start a worker: lovage worker --queues capped' },
  ]);
  await lab.sql('SELECT lovage.cancel($1)', [id]);
});

test('a failure is in v_failures, its attempts in v_attempts, its history in v_events, all without a stack', async () => {
  const id = await valueInPsql(
    lab.url,
    `SELECT lovage.enqueue('diag.fail', '{"times": 9, "message": "no paper"}', max_attempts => 1)`,
  );
  await lab.final(id);

  const [failure] = await ask(`SELECT * FROM lovage.v_failures WHERE failed_at > now() - interval '1 hour'`);
  expect(failure).toMatchObject({ id, error_code: 'handler_error', error_message: 'no paper' });
  expect(
    await ask('SELECT attempt, outcome, error_message FROM lovage.v_attempts WHERE task_id = $1', [id]),
  ).toEqual([{ attempt: 1, outcome: 'failed', error_message: 'no paper' }]);
  const events = await ask('SELECT type, data FROM lovage.v_events WHERE task_id = $1 ORDER BY number', [id]);
  expect(events.map(({ type }) => type)).toEqual(['queued', 'started', 'failed']);
  expect(JSON.stringify([failure, events])).not.toContain('fail.ts');
  expect(JSON.stringify(events)).not.toContain('"stack"');
});

test('throughput counts ends by name, outcome and minute, as far back as it is asked', async () => {
  const tasks = await Promise.all(Array.from({ length: 12 }, () => lab.enqueue(echo, { value: 1 })));
  await Promise.all(tasks.map(({ id }) => lab.final(id)));
  const counted = (source: string) =>
    ask(`SELECT name, outcome, sum(tasks)::int AS tasks FROM ${source} GROUP BY 1, 2 ORDER BY 1, 2`);

  const exact = `(SELECT name, state AS outcome, count(*) AS tasks FROM lovage.v_tasks WHERE finished_at IS NOT NULL GROUP BY 1, 2) x`;
  expect(await counted('lovage.v_throughput')).toEqual(await counted(exact));
  expect(await counted(`lovage.throughput('1 microsecond')`)).toEqual([]);
  const [bounded] = await ask(
    `SELECT sum(tasks)::int AS tasks, max(covers) < interval '1 minute' AS is_less FROM lovage.throughput(at_most => 6)`,
  );
  expect(bounded).toMatchObject({ is_less: true });
  expect(Number(bounded?.['tasks'])).toBeLessThan(12);
});

test('what is stuck is named: a runaway, a cancel that is ignored', async () => {
  const { id } = await lab.enqueue(sleep, { ms: 3_000, obeySignal: false });
  await until(
    () => ask('SELECT FROM lovage.v_running WHERE id = $1', [id]),
    (rows) => rows.length > 0,
  );
  await lab.sql(`UPDATE lovage.task SET soft_limit_ms = 1, hard_limit_ms = 1000000 WHERE id = $1`, [id]);
  expect(await ask('SELECT problem, remedy FROM lovage.v_stuck WHERE id = $1', [id])).toEqual([
    { problem: 'runaway', remedy: `SELECT lovage.cancel('${id}', 'runaway')` },
  ]);
  await lab.sql(`UPDATE lovage.task SET cancel_requested_at = now() - interval '1 minute' WHERE id = $1`, [
    id,
  ]);
  expect(await ask('SELECT problem FROM lovage.v_stuck WHERE id = $1', [id])).toEqual([
    { problem: 'cancel ignored' },
  ]);
  await lab.sql(`UPDATE lovage.task SET overdue_at = now() WHERE id = $1`, [id]);
  expect(await ask('SELECT problem, remedy FROM lovage.v_stuck WHERE id = $1', [id])).toEqual([
    { problem: 'overdue', remedy: expect.stringContaining(`end process ${process.pid} on`) },
  ]);
  await lab.sql('UPDATE lovage.task SET cancel_requested_at = NULL WHERE id = $1', [id]);
  await lab.final(id);
});

test('an archived task is found by id with its history, attempts and payload', async () => {
  const batch = await createBatch(lab.lovage, lab.caller, {
    tasks: [{ name: 'diag.echo', input: { value: 'kept' } }],
  });
  const [{ id } = { id: '' }] = await lab.sql<{ id: string }>(
    'SELECT id FROM lovage.task WHERE batch_id = $1',
    [batch.id],
  );
  await lab.final(id);
  await until(
    () => ask(`SELECT FROM lovage.v_batches WHERE id = $1 AND state = 'finished'`, [batch.id]),
    (rows) => rows.length > 0,
  );
  const columns =
    'id, state, name, attempt, max_attempts, created_by, batch_id, started_at, waited, ran, priority, tags';
  const hot = await ask(`SELECT ${columns} FROM lovage.v_tasks WHERE id = $1`, [id]);
  await lab.sql(`SELECT lovage.make_archive_partition(now() + interval '90 days')`);
  await lab.sql('SELECT lovage.move_to_archive(ARRAY[$1::uuid])', [id]);

  expect(
    await ask(`SELECT ${columns} FROM lovage.v_tasks WHERE id = $1 AND archived_at IS NOT NULL`, [id]),
  ).toEqual(hot);
  expect(
    (await ask('SELECT type FROM lovage.v_events WHERE task_id = $1 ORDER BY number', [id])).map(
      ({ type }) => type,
    ),
  ).toEqual(['queued', 'started', 'succeeded', 'archived']);
  expect(await ask('SELECT attempt, outcome FROM lovage.v_attempts WHERE task_id = $1', [id])).toEqual([
    { attempt: 1, outcome: 'succeeded' },
  ]);
  expect(await ask('SELECT input, result FROM lovage.v_payloads WHERE id = $1', [id])).toEqual([
    { input: { value: 'kept' }, result: { value: 'kept' } },
  ]);
  expect(
    await ask('SELECT size, succeeded, unfinished FROM lovage.v_batches WHERE id = $1', [batch.id]),
  ).toEqual([{ size: 1, succeeded: 1, unfinished: 0 }]);
});

test('an URL is shown without its user, its password and its query', async () => {
  await lab.sql(`INSERT INTO lovage.webhook_endpoint (id, tenant, url, secret)
                 VALUES (lovage.uuid_v7(), 'default', 'https://ada:pw@hooks.example.com/in?token=t0ken', 'x')`);
  const rows = await ask('SELECT url, state FROM lovage.v_webhooks');
  expect(rows).toEqual([{ url: 'https://hooks.example.com/in?…', state: 'ok' }]);
});

test('a session that waits for a lock is shown with whom it waits for', async () => {
  const holder = await lab.lovage.pool.connect();
  await holder.query('BEGIN; LOCK TABLE lovage.batch IN ACCESS EXCLUSIVE MODE');
  const waiting = lab.sql('SELECT count(*) FROM lovage.batch');
  const [row] = await until(
    () => ask('SELECT waits_for, blocker FROM lovage.v_locks'),
    (rows) => rows.length > 0,
  );
  expect(row).toEqual({
    waits_for: 'lovage.batch',
    blocker: expect.stringMatching(/idle in transaction since/),
  });
  await holder.query('ROLLBACK');
  holder.release();
  await waiting;
});
