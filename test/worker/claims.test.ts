import { expect, test } from 'vitest';
import { noop } from '../../packs/diag/tasks.ts';
import { openLab, until } from '../lab.ts';
import { countIn, send, sleeps, startDelays, startWorkerProcess } from './processes.ts';

const LONG = 60_000;

test('as many tasks as slots are free are claimed in one transaction', async () => {
  await using lab = await openLab();
  const ids = await send(lab, 'diag.sleep', sleeps(12, LONG));
  await startWorkerProcess(lab, ['--queues', 'diag', '--concurrency', '8']);
  await until(
    () => countIn(lab, 'running'),
    (n) => n === 8,
  );
  const [claims] = await lab.sql<{ transactions: number; events: number }>(
    `SELECT count(DISTINCT xmin::text)::int AS transactions, count(*)::int AS events
     FROM lovage.task_event WHERE type = 'started' AND task_id = ANY ($1)`,
    [ids],
  );
  expect(claims).toEqual({ transactions: 1, events: 8 });
});

test('a slot is refilled the moment it comes free', async () => {
  await using lab = await openLab();
  const [long = ''] = await send(lab, 'diag.sleep', sleeps(1, LONG, { priority: 10 }));
  await startWorkerProcess(lab, ['--queues', 'diag', '--concurrency', '2']);
  await until(
    () => countIn(lab, 'running'),
    (n) => n === 1,
  );
  const ids = await send(lab, 'diag.sleep', sleeps(8, 50));
  await lab.sql("NOTIFY lovage_ready, 'diag'");
  for (const id of ids) await lab.final(id);
  const [span] = await lab.sql<{ ms: number }>(
    `SELECT (extract(epoch FROM max(finished_at) - min(started_at)) * 1000)::float8 AS ms
     FROM lovage.task WHERE id = ANY ($1)`,
    [ids],
  );
  // One polling interval between each two would come to 14 s.
  expect(span?.ms).toBeLessThan(2_000);
  expect(await lab.get(long)).toMatchObject({ state: 'running', attempt: 1 });
});

test('--concurrency counts over all queues of the worker', async () => {
  await using lab = await openLab();
  for (const queue of ['diag', 'spare', 'faults']) await send(lab, 'diag.sleep', sleeps(6, LONG, { queue }));
  await startWorkerProcess(lab, ['--concurrency', '4']);
  await until(
    () => countIn(lab, 'running'),
    (n) => n === 4,
  );

  const [{ id } = { id: '' }] = await lab.sql<{ id: string }>(
    "SELECT id FROM lovage.task WHERE state = 'running' LIMIT 1",
  );
  await lab.sql('SELECT lovage.cancel($1)', [id]);
  await until(
    () => lab.sql<{ n: number }>("SELECT count(*)::int AS n FROM lovage.task_event WHERE type = 'started'"),
    ([row]) => row?.n === 5,
  );
  await until(
    () => countIn(lab, 'cancelled'),
    (n) => n === 1,
  );
  expect(await countIn(lab, 'running')).toBe(4);
});

test('a queue full of long tasks does not starve another', async () => {
  await using lab = await openLab();
  await send(lab, 'diag.sleep', sleeps(20, LONG));
  await startWorkerProcess(lab, ['--concurrency', '4']);
  await until(
    () => countIn(lab, 'running', 'diag'),
    (n) => n >= 2,
  );
  const ids = await send(lab, 'diag.noop', [{ queue: 'spare' }, { queue: 'solo' }, { queue: 'faults' }]);
  for (const queue of ['spare', 'solo', 'faults']) await lab.sql(`NOTIFY lovage_ready, '${queue}'`);
  for (const id of ids) expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
  for (const delay of await startDelays(lab, ids)) expect(delay).toBeLessThan(1_000);
});

test('a queue holds no more slots of a worker than it declares', async () => {
  await using lab = await openLab();
  const ids = await send(lab, 'diag.sleep', sleeps(4, 200, { queue: 'solo' }));
  await startWorkerProcess(lab);
  for (const id of ids) await lab.final(id);
  const gaps = await lab.sql<{ ms: number | null }>(
    `SELECT (extract(epoch FROM started_at - lag(started_at) OVER (ORDER BY started_at)) * 1000)::float8 AS ms
     FROM lovage.task WHERE id = ANY ($1)`,
    [ids],
  );
  for (const { ms } of gaps.slice(1)) expect(ms).toBeGreaterThan(195);
});

test('--queues names all that is served', async () => {
  await using lab = await openLab();
  const left = await lab.enqueue(noop, {});
  await startWorkerProcess(lab, ['--queues', 'spare, solo']);
  for (const queue of ['solo', 'spare']) {
    const [id = ''] = await send(lab, 'diag.noop', [{ queue }]);
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
  }
  expect(await lab.get(left.id)).toMatchObject({ state: 'queued', attempt: 0 });
  expect(await lab.sql('SELECT queues, slots FROM lovage.worker')).toEqual([
    { queues: ['spare', 'solo'], slots: 10 },
  ]);
});

test('the most urgent tasks are claimed first', async () => {
  await using lab = await openLab();
  const ids = await send(lab, 'diag.noop', [{ priority: 1 }, { priority: 3 }, { priority: 2 }]);
  await startWorkerProcess(lab, ['--queues', 'diag', '--concurrency', '1']);
  for (const id of ids) await lab.final(id);
  const order = await lab.sql('SELECT priority FROM lovage.task ORDER BY started_at');
  expect(order).toEqual([{ priority: 3 }, { priority: 2 }, { priority: 1 }]);
});
