import { spawn } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noop, sleep } from '../../packs/diag/tasks.ts';
import { configFile, openLab, until, type Lab } from '../lab.ts';
import { openWire, send, startDelays, startWorkerProcess } from './processes.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Everything announced on a channel while it is open. */
async function listen(channel: string) {
  const client = new pg.Client({ connectionString: lab.url });
  await client.connect();
  const heard: string[] = [];
  client.on('notification', ({ payload }) => heard.push(payload ?? ''));
  await client.query(`LISTEN ${channel}`);
  return { heard, settled: () => client.query('SELECT 1'), [Symbol.asyncDispose]: () => client.end() };
}

const listenerPids = async () =>
  (
    await lab.sql<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'lovage listener'",
    )
  ).map(({ pid }) => pid);

test('a burst of enqueues sends few notifications', async () => {
  await using ear = await listen('lovage_ready');
  await Promise.all(Array.from({ length: 500 }, () => lab.enqueue(noop, {})));
  await lab.lovage.notifier.flush();
  await until(
    () => lab.lovage.pool.waitingCount === 0 && lab.lovage.pool.idleCount === lab.lovage.pool.totalCount,
  );
  await ear.settled();
  expect(new Set(ear.heard)).toEqual(new Set(['diag']));
  expect(ear.heard.length).toBeLessThan(50);
  await lab.sql('SELECT lovage.cancel(id) FROM lovage.task');
});

test('work whose notification died with its sender starts within the polling floor', async () => {
  await startWorkerProcess(lab, ['--queues', 'diag']);
  await using ear = await listen('lovage_ready');
  const program = new URL('fixtures/enqueue-and-die.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=lovage-source', program, configFile, lab.url], {
    stdio: 'inherit',
  });
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);

  const [{ id } = { id: '' }] = await lab.sql<{ id: string }>(
    "SELECT id FROM lovage.task WHERE created_by = 'key:dies'",
  );
  expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
  await ear.settled();
  expect(ear.heard).toEqual([]);
  const [delay] = await startDelays(lab, [id]);
  expect(delay).toBeLessThan(2_500);
});

test('the listener comes back when its connection is cut, and work starts at once again', async () => {
  await using other = await openLab();
  void other;
  const mine = await listenerPids();
  await startWorkerProcess(lab, ['--queues', 'diag']);
  const [victim = 0] = (await listenerPids()).filter((pid) => !mine.includes(pid));
  await lab.sql('SELECT pg_terminate_backend($1)', [victim]);
  await until(listenerPids, (pids) => pids.length > mine.length && !pids.includes(victim));

  const ids: string[] = [];
  for (let round = 0; round < 5; round += 1) {
    const { id } = await lab.enqueue(noop, {});
    await lab.final(id);
    ids.push(id);
  }
  // One after the other, each would wait for a poll of its own, 2 s after the one before.
  for (const delay of await startDelays(lab, ids)) expect(delay).toBeLessThan(1_000);
});

test('a job that somebody holds locked does not make an idle worker spin', async () => {
  await using quiet = await openLab();
  await using wire = await openWire(quiet.url);
  const [id = ''] = await send(quiet, 'diag.noop', [{}]);
  const client = await quiet.lovage.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM pgboss.job WHERE id = $1 FOR UPDATE', [id]);
  await startWorkerProcess(quiet, ['--queues', 'diag'], { DATABASE_URL: wire.url });
  await until(
    () => wire.sent('lovage_next_due'),
    (n) => n > 1,
  );
  const before = wire.sent('lovage_next_due');
  const from = performance.now();
  await until(() => performance.now() - from > 1_000);
  expect(wire.sent('lovage_next_due') - before).toBeLessThan(20);

  await client.query('COMMIT');
  client.release();
  expect(await quiet.final(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('slots that are all taken send no claims', async () => {
  await using busy = await openLab();
  await using wire = await openWire(busy.url);
  await startWorkerProcess(busy, ['--queues', 'diag', '--concurrency', '1'], { DATABASE_URL: wire.url });
  const { id } = await busy.enqueue(sleep, { ms: 60_000 });
  await until(
    () => busy.get(id),
    ({ state }) => state === 'running',
  );
  const before = wire.sent('lovage.claimed');
  for (let n = 0; n < 20; n += 1) await busy.enqueue(noop, {});
  await busy.lovage.notifier.flush();
  await until(
    () => wire.sent('lovage_next_due'),
    (n) => n > 2,
  );
  expect(wire.sent('lovage.claimed') - before).toBeLessThan(2);
});
