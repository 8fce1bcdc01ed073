import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLab, until, type Lab } from '../lab.ts';
import { countIn, openWire, send, startWorkerProcess, whenRunning } from './processes.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** What is running waits with its settle for the lock that this returns the end of. */
async function lockJob(id: string): Promise<() => Promise<void>> {
  const client = await lab.lovage.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM pgboss.job WHERE id = $1 FOR UPDATE', [id]);
  return async () => {
    await client.query('COMMIT');
    client.release();
  };
}

const isSettleBlocked = () =>
  lab.sql<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%lovage.settle%'`,
  );

const transactionsOf = async (ids: readonly string[], type: string) => {
  const [row] = await lab.sql<{ n: number; transactions: number }>(
    `SELECT count(*)::int AS n, count(DISTINCT xmin::text)::int AS transactions
     FROM lovage.task_event WHERE type = $2 AND task_id = ANY ($1)`,
    [ids, type],
  );
  return row;
};

test('outcomes are settled many in a commit', async () => {
  const ids = await send(
    lab,
    'diag.noop',
    Array.from({ length: 400 }, () => ({})),
  );
  const worker = await startWorkerProcess(lab, ['--concurrency', '50']);
  await until(
    () => countIn(lab, 'succeeded'),
    (n) => n === ids.length,
  );

  const settles = await transactionsOf(ids, 'succeeded');
  expect(settles?.n).toBe(400);
  expect(settles?.transactions).toBeLessThan(100);
  const [results] = await lab.sql<{ transactions: number }>(
    'SELECT count(DISTINCT xmin::text)::int AS transactions FROM lovage.task_result WHERE task_id = ANY ($1)',
    [ids],
  );
  expect(results?.transactions).toBe(settles?.transactions);
  worker.child.kill('SIGTERM');
  await worker.exited;
});

test('an outcome that Postgres refuses fails alone, however many it was settled with', async () => {
  await lab.sql(
    `ALTER TABLE lovage.task_result ADD CONSTRAINT no_lead CHECK (output IS DISTINCT FROM '{"value": "lead"}')`,
  );
  const neighbours = await send(
    lab,
    'diag.noop',
    Array.from({ length: 20 }, () => ({})),
  );
  const bad = await send(lab, 'diag.echo', [{ input: { value: 'lead' } }, { input: { value: 'lead' } }]);
  const worker = await startWorkerProcess(lab, ['--queues', 'diag', '--concurrency', '30']);
  for (const id of neighbours) expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 1 });

  for (const id of bad) {
    expect(await lab.final(id)).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: { code: 'output_invalid' },
      result: null,
    });
    expect(await lab.eventTypes(id)).toEqual(['queued', 'started', 'failed']);
  }
  expect((await transactionsOf(neighbours, 'succeeded'))?.transactions).toBeLessThan(10);
  expect(worker.output()).toContain('Postgres refused the outcome');
  worker.child.kill('SIGTERM');
  await worker.exited;
});

test('a settle that waits for a lock holds up neither claims nor other outcomes', async () => {
  const worker = await startWorkerProcess(lab, ['--queues', 'diag', '--concurrency', '4']);
  const [held = ''] = await send(lab, 'diag.sleep', [{ input: { ms: 500 } }]);
  await whenRunning(lab, held);
  const unlock = await lockJob(held);
  await until(isSettleBlocked, (rows) => rows.length > 0);

  const others = await send(
    lab,
    'diag.noop',
    Array.from({ length: 20 }, () => ({})),
  );
  for (const id of others) expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
  expect(await lab.get(held)).toMatchObject({ state: 'running' });
  await unlock();
  expect(await lab.final(held)).toMatchObject({ state: 'succeeded', attempt: 1 });
  worker.child.kill('SIGTERM');
  await worker.exited;
});

test('a settle that somebody cancels in Postgres is written again', async () => {
  const worker = await startWorkerProcess(lab, ['--queues', 'diag']);
  const [id = ''] = await send(lab, 'diag.sleep', [{ input: { ms: 300 } }]);
  await whenRunning(lab, id);
  const unlock = await lockJob(id);
  const [blocked] = await until(isSettleBlocked, (rows) => rows.length > 0);
  await lab.sql('SELECT pg_cancel_backend($1)', [blocked?.pid]);
  await until(
    () => worker.output(),
    (text) => text.includes('canceling statement'),
  );
  await unlock();
  expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 1, result: { slept: 300 } });
  worker.child.kill('SIGTERM');
  await worker.exited;
});

test('an outcome whose COMMIT went unanswered is not dropped and not written twice', async () => {
  await using wire = await openWire(lab.url);
  const worker = await startWorkerProcess(lab, ['--queues', 'diag'], { DATABASE_URL: wire.url });
  const cut = wire.cutAnswer('lovage_settle', 'SELECT');
  const [id = ''] = await send(lab, 'diag.noop', [{}]);
  await cut;
  await until(
    () => worker.output(),
    (text) => text.includes('outcomes could not be written; trying again'),
  );
  await until(
    () => wire.sent('e.type = ANY'),
    (n) => n > 0,
  );

  expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(await lab.eventTypes(id)).toEqual(['queued', 'started', 'succeeded']);
  // The next settle of the same worker shows that this one came to its end.
  const [next = ''] = await send(lab, 'diag.noop', [{}]);
  await lab.final(next);
  expect(worker.output()).not.toContain('the outcome was dropped');
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
});

test('a claim whose COMMIT went unanswered strands no task', async () => {
  await using wire = await openWire(lab.url);
  const worker = await startWorkerProcess(lab, ['--queues', 'diag'], { DATABASE_URL: wire.url });
  const cut = wire.cutAnswer('lovage.claimed', 'SELECT');
  const ids = await send(lab, 'diag.noop', [{}, {}, {}]);
  await cut;
  for (const id of ids) {
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(await lab.eventTypes(id)).toEqual(['queued', 'started', 'handed_back', 'started', 'succeeded']);
  }
  expect(
    await lab.sql('SELECT DISTINCT failures, crashes FROM lovage.task WHERE id = ANY ($1)', [ids]),
  ).toEqual([{ failures: 0, crashes: 0 }]);
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
});

test('nothing of this has broken an invariant', async () => {
  expect(await lab.violations()).toEqual([]);
});
