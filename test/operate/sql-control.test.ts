import { afterAll, beforeAll, expect, test } from 'vitest';
import { noop, sleep } from '../../packs/diag/tasks.ts';
import { createBatch } from '../../src/batches/create.ts';
import { migrateFor } from '../../src/open.ts';
import { putSchedule } from '../../src/schedules/put.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { startWorkerProcess } from '../worker/processes.ts';
import { auditOf, inPsql, inSession, valueInPsql } from './sql-lab.ts';

let lab: Lab;
let me: string;
beforeAll(async () => {
  lab = await openLab();
  me = `sql:${await valueInPsql(lab.url, 'SELECT session_user')}`;
  await putSchedule(lab.lovage, lab.caller, {
    name: 'nightly',
    task: 'diag.echo',
    input: { value: 'night' },
    tags: ['own'],
    priority: 3,
    cron: '0 3 1 1 *',
  });
});
afterAll(() => lab[Symbol.asyncDispose]());

const call = (text: string, values?: unknown[]) => valueInPsql(lab.url, `SELECT lovage.${text}`, values);
const later = { delayMs: 3_600_000 };

test('sessions that cancel, retry and sweep the same tasks at once leave each in one piece', async () => {
  await lab.worker();
  const tasks = await Promise.all(Array.from({ length: 40 }, () => lab.enqueue(noop, {})));
  const ids = tasks.map(({ id }) => id);
  // One by one each verb is a transaction of its own; the sweeps take all of them, in an order of their own.
  const verbs = ['cancel($1)', 'retry($1)', `cancel($1, 'again')`, 'cancel_many($1)', 'retry_many($1)'];
  await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      inSession(lab.url, async (client) => {
        const verb = verbs[n % verbs.length] ?? '';
        const inOrder = n % 2 ? ids : ids.toReversed();
        for (const one of verb.includes('many') ? Array.from({ length: 10 }, () => inOrder) : inOrder)
          await client.query(`SELECT lovage.${verb}`, [one]);
      }),
    ),
  );
  await until(
    () => lab.sql('SELECT FROM lovage.task WHERE id = ANY ($1) AND NOT lovage.is_final(state)', [ids]),
    (open) => open.length === 0,
  );

  expect(await lab.violations()).toEqual([]);
  const [{ n } = { n: 0 }] = await lab.sql<{ n: number }>(
    `SELECT count(*)::int AS n FROM lovage.task_event WHERE task_id = ANY ($1) AND data ->> 'by' = $2`,
    [ids, me],
  );
  expect(n).toBeGreaterThan(0);
});

test('many are cancelled and retried in one statement, each written down by who did it', async () => {
  const tasks = await Promise.all(Array.from({ length: 3 }, () => lab.enqueue(noop, {}, later)));
  const ids = tasks.map(({ id }) => id);
  expect((await inPsql(lab.url, `SELECT * FROM lovage.cancel_many($1, 'wrong')`, [ids])).rows).toEqual([
    { cancelled: 3, requested: 0 },
  ]);
  expect(await call('retry_many($1)', [ids])).toBe(3);
  await Promise.all(ids.map((id) => lab.final(id)));

  for (const id of ids) {
    const written = await lab.sql(
      'SELECT action, actor, detail FROM lovage.v_audit WHERE target = $1 ORDER BY id',
      [id],
    );
    expect(written).toEqual([
      { action: 'tasks.cancel', actor: me, detail: { outcome: 'cancelled', reason: 'wrong' } },
      { action: 'tasks.retry', actor: me, detail: { outcome: 'queued' } },
    ]);
  }
});

test('a schedule that psql pauses, runs and resumes says so; parallel runs are each their own', async () => {
  expect(await call(`pause_schedule('nightly')`)).toBe('paused');
  expect(await call(`pause_schedule('nightly')`)).toBe('already_paused');
  const ids = await Promise.all(Array.from({ length: 4 }, () => call(`run_schedule('nightly')`)));
  expect(await call(`resume_schedule('nightly')`)).toBe('resumed');

  for (const id of ids) {
    expect(await lab.final(id)).toMatchObject({
      result: { value: 'night' },
      createdBy: me,
      tags: ['own', 'schedule:nightly'],
      priority: 3,
    });
  }
  const [{ runs } = { runs: 0 }] = await lab.sql<{ runs: number }>(
    `SELECT count(*)::int AS runs FROM lovage.schedule_run WHERE kind = 'by_hand'`,
  );
  expect(runs).toBe(4);
  expect(await auditOf(lab, 'schedules.pause')).toEqual([
    { actor: me, target: 'nightly', outcome: 'ok', detail: { outcome: 'paused' } },
    { actor: me, target: 'nightly', outcome: 'ok', detail: { outcome: 'already_paused' } },
  ]);
  expect(await auditOf(lab, 'schedules.resume')).toHaveLength(1);
  expect(await auditOf(lab, 'schedules.run')).toHaveLength(4);
});

test('a batch that psql cancels from several sessions ends once, and each session is written down', async () => {
  const batch = await createBatch(lab.lovage, lab.caller, {
    tasks: Array.from({ length: 20 }, () => ({ name: 'diag.noop', input: {}, delayMs: 3_600_000 })),
  });
  const cancel = () => inPsql(lab.url, `SELECT outcome FROM lovage.cancel_batch($1, 'no')`, [batch.id]);
  await Promise.all(Array.from({ length: 4 }, cancel));
  await until(
    () => lab.sql(`SELECT state FROM lovage.v_batches WHERE id = $1`, [batch.id]),
    ([row]) => (row as { state: string } | undefined)?.state === 'finished',
  );

  const [counts] = await lab.sql('SELECT succeeded, cancelled FROM lovage.v_batches WHERE id = $1', [
    batch.id,
  ]);
  expect(counts).toEqual({ succeeded: 0, cancelled: 20 });
  const written = await auditOf(lab, 'batches.cancel');
  expect(written.map(({ actor, target }) => [actor, target])).toEqual(
    Array.from({ length: 4 }, () => [me, batch.id]),
  );
  expect(await lab.violations()).toEqual([]);
});

test('limits that an operator sets hold over a migration until he gives them back', async () => {
  expect(await call(`limit_queue('spare', running => 2, starts => 5, per => '1 s')`)).toBe('limited');
  await migrateFor(lab.lovage.config, lab.url);
  const depth = `SELECT max_running, rate, limited_by FROM lovage.v_queue_depth WHERE queue = 'spare'`;
  expect(await lab.sql(depth)).toEqual([{ max_running: 2, rate: '5 in 00:00:01', limited_by: me }]);

  expect(await call(`follow_config('spare')`)).toBe('follows_config');
  await migrateFor(lab.lovage.config, lab.url);
  expect(await lab.sql(depth)).toEqual([{ max_running: null, rate: null, limited_by: null }]);
  await expect(call(`limit_queue('spare', running => 0)`)).rejects.toMatchObject({ code: '22023' });
});

test.each([
  ['pause', `pause('diga')`, 'queue', `'diag'`],
  ['resume', `resume('diga')`, 'queue', `'diag'`],
  ['limit_queue', `limit_queue('Diag', running => 1)`, 'queue', `'diag'`],
  ['follow_config', `follow_config('diga')`, 'queue', `'diag'`],
  ['pause_schedule', `pause_schedule('nightl')`, 'schedule', `'nightly'`],
  ['resume_schedule', `resume_schedule('nightl')`, 'schedule', `'nightly'`],
])('%s() of a name that is none says so, and which there are', async (_, text, kind, hint) => {
  const { rows, notices } = await inPsql(lab.url, `SELECT lovage.${text} AS outcome`);
  expect(rows).toEqual([{ outcome: 'not_found' }]);
  expect(notices).toMatchObject([
    {
      severity: 'WARNING',
      message: expect.stringMatching(`no ${kind} is named`),
      hint: expect.stringContaining(hint),
    },
  ]);
});

test('a worker that psql drains finishes what runs and ends by itself, with code 0', async () => {
  await call(`pause('diag')`);
  const { rows } = await inPsql(lab.url, `SELECT id FROM lovage.v_workers WHERE state = 'live'`);
  expect(rows).toHaveLength(1);
  const started = await startWorkerProcess(lab, ['--queues', 'spare']);
  await call(`resume('diag')`);
  const task = await lab.enqueue(sleep, { ms: 300 });

  // In one transaction: it hears of it at the commit, and may be gone a moment later.
  expect(await call('drain_worker($1) || $$ $$ || lovage.drain_worker($1)', [started.id])).toBe(
    'draining already_draining',
  );
  expect(await started.exited).toBe(0);
  expect(await call('drain_worker($1)', [started.id])).toBe('already_ended');
  expect(await lab.final(task.id)).toMatchObject({ state: 'succeeded' });
  expect((await auditOf(lab, 'workers.drain')).map(({ actor, detail }) => [actor, detail])).toEqual(
    ['draining', 'already_draining', 'already_ended'].map((outcome) => [me, { outcome }]),
  );
});
