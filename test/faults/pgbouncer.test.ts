import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findPgBouncer } from '../../tools/pgbouncer/find.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { follow } from '../wire/sse.ts';
import { kill, sleeps, startWorkerProcess, whenRunning, type WorkerProcess } from '../worker/processes.ts';
import { sleep } from '../../packs/diag/tasks.ts';
import { startApiProcess, type ApiProcess } from './api-process.ts';
import { startPgBouncer } from './pgbouncer.ts';

const program = await findPgBouncer();
const POOL_SIZE = 6;
const LOST = /42P05|26000|prepared statement/;

let lab: Lab;
let bouncer: Awaited<ReturnType<typeof startPgBouncer>>;
beforeAll(async () => {
  lab = await openLab();
  // Few backends for many connections, so that each transaction meets another one.
  if (program)
    bouncer = await startPgBouncer(
      program,
      lab.url,
      `default_pool_size = ${POOL_SIZE}\nserver_round_robin = 1`,
    );
});
afterAll(async () => {
  await bouncer?.[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

test.skipIf(!program)(
  'behind a PgBouncer that forgets prepared statements all works with LOVAGE_PREPARE=0 and LOVAGE_DIRECT_URL',
  async () => {
    const env = { DATABASE_URL: bouncer.url, LOVAGE_DIRECT_URL: lab.url, LOVAGE_PREPARE: '0' };
    const [api, worker] = await Promise.all([
      startApiProcess(bouncer.url, env),
      startWorkerProcess(lab, ['--concurrency', '20'], env),
    ]);
    try {
      await enqueueMany(api);
      await watch(api);
      await batch(api);
      await family(api);
      await schedule(api);
      await cancelAndRetry(api);
      const [row] = await lab.sql<{ key: string | null }>(
        'SELECT lease_key AS key FROM lovage.worker WHERE id = $1',
        [worker.id],
      );
      expect(row?.key).not.toBeNull();
      expect(await lab.violations()).toEqual([]);
      expect(api.output() + worker.output()).not.toMatch(LOST);
    } finally {
      await Promise.all([kill(api), end(worker)]);
    }
    const doctor = await lab.spawn(['doctor'], env);
    expect(await doctor.exited).toBe(0);
    expect(doctor.output()).toContain('it forgets prepared statements, and none is used');
    expect(doctor.output()).toContain('workers can hold leases');
  },
);

test.skipIf(!program)('without LOVAGE_PREPARE=0 the doctor and a starting worker say so', async () => {
  const env = { DATABASE_URL: bouncer.url };
  const doctor = await lab.spawn(['doctor'], env);
  expect(await doctor.exited).toBe(1);
  expect(doctor.output()).toMatch(/✗ the pooler .* forgets prepared statements.*\n +→ LOVAGE_PREPARE=0/);
  expect(doctor.output()).toMatch(/· lease and LISTEN cannot pass the pooler.*\n +→ LOVAGE_DIRECT_URL/);
  const worker = await startWorkerProcess(lab, ['--queues', 'diag'], env);
  expect(worker.output()).toContain('set LOVAGE_PREPARE=0');
  await end(worker);
});

test.skipIf(!program)(
  'without LOVAGE_DIRECT_URL processes start side by side, tasks run, and those of a dead worker run again',
  async () => {
    const env = { DATABASE_URL: bouncer.url, LOVAGE_PREPARE: '0' };
    const start = () => startWorkerProcess(lab, ['--queues', 'diag'], env);
    const workers = await Promise.all([start(), start(), start()]);
    const { id } = await lab.enqueue(sleep, { ms: 60_000 });
    const { workerId } = await runnerOf(id);
    const victim = workers.find((worker) => worker.id === workerId);
    if (!victim) throw new Error(`the task runs on ${workerId}, which is none of them`);
    await kill(victim);
    const rerun = await until(
      () => runnerOf(id),
      (now) => now.attempt === 2,
      40_000,
    );
    expect(workers.map((worker) => worker.id)).toContain(rerun.workerId);
    expect(rerun.workerId).not.toBe(workerId);
    await lab.sql('SELECT lovage.cancel($1)', [id]);
    await Promise.all(workers.filter((worker) => worker !== victim).map(end));
    expect(await lockTimeouts(), 'a start leaves its settings to nobody').toEqual(Array(POOL_SIZE).fill('0'));
    expect(await lab.violations()).toEqual([]);
  },
);

/** Of every backend that the pooler has: each is held by a transaction of its own. */
async function lockTimeouts(): Promise<unknown[]> {
  const clients = Array.from({ length: POOL_SIZE }, () => new pg.Client({ connectionString: bouncer.url }));
  try {
    return await Promise.all(
      clients.map(async (client) => {
        await client.connect();
        await client.query('BEGIN');
        const { rows } = await client.query<{ lock_timeout: string }>('SHOW lock_timeout');
        return rows[0]?.lock_timeout;
      }),
    );
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function runnerOf(id: string): Promise<{ attempt: number; workerId: string }> {
  await whenRunning(lab, id);
  const [row] = await lab.sql<{ attempt: number; workerId: string }>(
    'SELECT attempt, worker_id AS "workerId" FROM lovage.task WHERE id = $1',
    [id],
  );
  if (!row) throw new Error(`there is no task ${id}`);
  return row;
}

async function end(worker: WorkerProcess): Promise<void> {
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
}

async function enqueueMany(api: ApiProcess): Promise<void> {
  const calls = Array.from({ length: 100 }, (_, value) =>
    api.call('POST', '/v1/tasks/diag.echo?wait=30', {
      body: { value },
      // Every other one goes by the statement that keeps keys.
      headers: value % 2 === 0 ? { 'idempotency-key': `echo-${value}` } : {},
    }),
  );
  for (const { status, body } of await Promise.all(calls)) {
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body.state).toBe('succeeded');
  }
}

async function watch(api: ApiProcess): Promise<void> {
  const { body } = await api.call('POST', '/v1/tasks/diag.progress', { body: { steps: 5, everyMs: 100 } });
  await using stream = await follow(`${api.url}/v1/tasks/${body.id}/stream`, { key: api.key });
  await until(() => stream.blocks.some(({ event }) => event === 'end'));
}

async function batch(api: ApiProcess): Promise<void> {
  const tasks = sleeps(10, 10).map(({ input }) => ({ name: 'diag.sleep', input }));
  const { status, body } = await api.call('POST', '/v1/tasks:batch', { body: { tasks } });
  expect(status).toBe(202);
  await until(
    () => api.call('GET', `/v1/batches/${body.id}`),
    (answer) => answer.body.state === 'finished',
  );
}

async function family(api: ApiProcess): Promise<void> {
  for (const name of ['family.parent', 'family.parentInProcess']) {
    const { body } = await api.call('POST', `/v1/tasks/${name}?wait=60`, { body: { values: [1, 2, 3] } });
    expect(body).toMatchObject({ state: 'succeeded', result: { sum: 12 } });
  }
}

async function schedule(api: ApiProcess): Promise<void> {
  const body = { task: 'diag.noop', input: {}, cron: '* * * * * *' };
  expect((await api.call('PUT', '/v1/schedules/ticks', { body })).status).toBeLessThan(300);
  await until(
    () =>
      lab.sql(
        "SELECT FROM lovage.task WHERE tags @> ARRAY['schedule:ticks'] AND tags <> '{}' AND state = 'succeeded'",
      ),
    (rows) => rows.length >= 2,
  );
  await api.call('POST', '/v1/schedules/ticks/pause');
}

async function cancelAndRetry(api: ApiProcess): Promise<void> {
  const { body } = await api.call('POST', '/v1/tasks/diag.sleep', { body: { ms: 60_000 } });
  await whenRunning(lab, body.id);
  await api.call('POST', `/v1/tasks/${body.id}/cancel`);
  expect(await lab.final(body.id)).toMatchObject({ state: 'cancelled' });
  expect(await api.call('POST', `/v1/tasks/${body.id}/retry`)).toMatchObject({ status: 202 });
  await whenRunning(lab, body.id);
  expect(await api.call('GET', `/v1/tasks/${body.id}/explain`)).toMatchObject({ status: 200 });
  await api.call('POST', `/v1/tasks/${body.id}/cancel`);
  expect(await lab.final(body.id)).toMatchObject({ state: 'cancelled' });
}
