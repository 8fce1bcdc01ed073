import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { noop } from '../../packs/diag/tasks.ts';
import { connect } from '../../src/db/connect.ts';
import { createLog } from '../../src/log.ts';
import { migrateFor } from '../../src/open.ts';
import { getQueue, listQueues } from '../../src/queues/list.ts';
import { pauseQueue } from '../../src/queues/pause.ts';
import { resumeQueue } from '../../src/queues/resume.ts';
import { onConnection } from '../journal/journal-lab.ts';
import { openLab, until, type Lab } from '../lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
beforeEach(() =>
  lab.sql('UPDATE lovage.queue_control SET paused_at = NULL, paused_by = NULL, pause_reason = NULL'),
);
afterAll(() => lab[Symbol.asyncDispose]());

const outcome = async (call: string) =>
  (await lab.sql<{ outcome: string }>(`SELECT lovage.${call} AS outcome`))[0]?.outcome;

test('a queue is paused once, with who did it and why, and resumed once', async () => {
  const first = await pauseQueue(lab.lovage, lab.caller, 'diag', { reason: 'the disk is full' });
  expect(first).toMatchObject({
    outcome: 'paused',
    queue: { name: 'diag', paused: { by: 'key:test', reason: 'the disk is full' } },
  });
  const second = await pauseQueue(lab.lovage, { actor: 'key:other' }, 'diag', { reason: 'me too' });
  expect(second).toEqual({ outcome: 'already_paused', queue: first.queue });
  expect((await getQueue(lab.lovage, 'spare')).paused).toBeNull();

  expect(await resumeQueue(lab.lovage, lab.caller, 'diag')).toMatchObject({
    outcome: 'resumed',
    queue: { paused: null },
  });
  expect((await resumeQueue(lab.lovage, lab.caller, 'diag')).outcome).toBe('not_paused');
});

test('SQL does the same, in the name of whoever is logged in', async () => {
  expect(await outcome(`pause('diag', 'by hand')`)).toBe('paused');
  const [role] = await lab.sql<{ name: string }>('SELECT session_user AS name');
  expect((await getQueue(lab.lovage, 'diag')).paused).toMatchObject({
    by: `sql:${role?.name}`,
    reason: 'by hand',
  });
  expect(await outcome(`pause('diag')`)).toBe('already_paused');
  expect(await outcome(`resume('diag')`)).toBe('resumed');
  expect(await outcome(`resume('diag')`)).toBe('not_paused');
  expect(await outcome(`pause('nope')`)).toBe('not_found');
  expect(await outcome(`resume('nope')`)).toBe('not_found');
});

test('a resume tells the workers at once', async () => {
  await pauseQueue(lab.lovage, lab.caller, 'diag');
  await onConnection(lab.url, async (client) => {
    const heard: string[] = [];
    client.on('notification', ({ payload }) => heard.push(payload ?? ''));
    await client.query('LISTEN lovage_ready');
    await resumeQueue(lab.lovage, lab.caller, 'diag');
    await until(() => heard.includes('diag'));
  });
});

test('a pause outlives a restart: what every start does leaves it alone', async () => {
  await pauseQueue(lab.lovage, lab.caller, 'diag', { reason: 'stay' });
  await migrateFor(lab.lovage.config, lab.url);
  expect((await getQueue(lab.lovage, 'diag')).paused).toMatchObject({ by: 'key:test', reason: 'stay' });
});

test('an unknown queue is not found, whichever verb names it', async () => {
  const notFound = { code: 'queue-not-found' };
  await expect(getQueue(lab.lovage, 'nope')).rejects.toMatchObject(notFound);
  await expect(pauseQueue(lab.lovage, lab.caller, 'nope')).rejects.toMatchObject(notFound);
  await expect(resumeQueue(lab.lovage, lab.caller, 'nope')).rejects.toMatchObject(notFound);
});

test('the list shows every queue: what waits, also what is not yet due, what runs, and the limits', async () => {
  await lab.sql(
    `UPDATE lovage.queue_control SET max_running = 5, rate_limit = 10, rate_period_ms = 1000 WHERE queue = 'spare'`,
  );
  await lab.enqueue(noop, {});
  await lab.enqueue(noop, {}, { delayMs: 60_000 });
  const { items, nextCursor } = await listQueues(lab.lovage);
  expect(nextCursor).toBeNull();
  expect(items.map(({ name }) => name)).toEqual([...lab.lovage.config.queues.keys()].toSorted());
  expect(items.find(({ name }) => name === 'diag')).toEqual({
    name: 'diag',
    paused: null,
    limits: { concurrency: null, perKey: null, rate: null },
    limitsSetBy: null,
    waiting: 2,
    waitingIsMore: false,
    running: 0,
  });
  expect(items.find(({ name }) => name === 'spare')?.limits).toEqual({
    concurrency: 5,
    perKey: null,
    rate: { limit: 10, periodMs: 1000 },
  });
});

test('a queue whose table is gone is listed as empty', async () => {
  const { pool } = connect({ url: lab.url, log: createLog({ level: 'silent' }), max: 1 });
  await pool.query(`BEGIN; UPDATE lovage.queue_control SET job_table = 'nowhere' WHERE queue = 'diag'`);
  expect((await listQueues({ pool })).items.find(({ name }) => name === 'diag')).toMatchObject({
    waiting: 0,
    running: 0,
  });
  await pool.query('ROLLBACK');
  await pool.end();
});
