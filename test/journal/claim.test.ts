import { noop } from '../../packs/diag/tasks.ts';
import { inTransaction } from '../transaction.ts';
import { sendTasks } from '../../src/queue/send.ts';
import { expect, newTask, onConnection, succeeded, test } from './journal-lab.ts';

test('a claimed task is running under its worker, as attempt 1', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  const [claim] = await lab.claim();

  expect(claim).toMatchObject({ id, attempt: 1, failures: 0, maxAttempts: 3, name: 'diag.noop', input: {} });
  expect(await lab.job(id)).toMatchObject({ state: 'active', retry_count: 0, started_on: expect.any(Date) });
  expect(await lab.task(id)).toMatchObject({
    state: 'running',
    attempt: 1,
    worker_id: lab.workerId,
    started_at: expect.any(Date),
    finished_at: null,
  });
  expect((await lab.events(id)).at(-1)).toMatchObject({
    number: 2,
    type: 'started',
    attempt: 1,
    data: { worker: lab.workerId },
  });
});

test('a batch claims the highest priority first, and within it the oldest', async ({ lab }) => {
  const priorities = [0, 5, 0, 9, 5];
  const ids: string[] = [];
  for (const priority of priorities) ids.push((await lab.enqueue(noop, {}, { priority })).id);

  const first = await lab.claim(3);
  const second = await lab.claim(3);
  expect(new Set(first.map(({ id }) => id))).toEqual(new Set([ids[3], ids[1], ids[4]]));
  expect(new Set(second.map(({ id }) => id))).toEqual(new Set([ids[0], ids[2]]));
});

test('every task of a large batch gets exactly one start', async ({ lab }) => {
  await sendTasks(
    lab.lovage.pool,
    Array.from({ length: 500 }, () => newTask()),
  );
  const claims = await lab.claim(500);

  const rows = await lab.sql(
    `SELECT t.state, t.attempt, t.events, count(*)::int AS tasks FROM lovage.task t
     JOIN lovage.task_event e ON e.task_id = t.id AND e.number = 2 AND e.type = 'started' GROUP BY 1, 2, 3`,
  );
  expect(claims).toHaveLength(500);
  expect(rows).toEqual([{ state: 'running', attempt: 1, events: 2, tasks: 500 }]);
});

test('two claims at once share the queue without an overlap', async ({ lab }) => {
  await sendTasks(
    lab.lovage.pool,
    Array.from({ length: 60 }, () => newTask()),
  );
  const claims = (await Promise.all([lab.claim(20), lab.claim(20), lab.claim(20), lab.claim(20)])).flat();

  expect(claims).toHaveLength(60);
  expect(new Set(claims.map(({ id }) => id))).toHaveLength(60);
});

test('a claim that is rolled back leaves its task waiting, with no trace of an attempt', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  const rolledBack = inTransaction(lab.lovage.pool, async (tx) => {
    const [job] = await lab.boss.fetch('diag', {
      db: { executeSql: (text: string, values?: unknown[]) => tx.query(text, values) },
    });
    expect(job?.id).toBe(id);
    throw new Error('the connection broke');
  });

  await expect(rolledBack).rejects.toThrow('broke');
  expect(await lab.task(id)).toMatchObject({ state: 'queued', attempt: 0, worker_id: null });
  expect(await lab.history(id)).toEqual(['queued 0']);
  expect(await lab.claim()).toMatchObject([{ id, attempt: 1 }]);
});

test('a claim takes no task that another connection holds', async ({ lab }) => {
  const held = await lab.enqueue(noop, {});
  const free = await lab.enqueue(noop, {});

  await onConnection(lab.url, async (client) => {
    await client.query('BEGIN');
    await client.query('SELECT 1 FROM pgboss.job WHERE id = $1 FOR UPDATE', [held.id]);
    expect((await lab.claim()).map(({ id }) => id)).toEqual([free.id]);
    await client.query('COMMIT');
  });
  expect((await lab.claim()).map(({ id }) => id)).toEqual([held.id]);
});

/** Jobs and tasks that went apart past the triggers, before anybody has reconciled them. */
const drifts = {
  'a job with a spent number': [
    'handed back',
    'UPDATE pgboss.job SET retry_count = 0, started_on = NULL WHERE id = :id',
    2,
  ],
  'a job with a number to come': ['queued', 'UPDATE pgboss.job SET retry_count = 7 WHERE id = :id', 1],
  'a job in the queue while its task runs': [
    'running',
    `UPDATE pgboss.job SET state = 'created' WHERE id = :id`,
    2,
  ],
} as const;

test.for(Object.entries(drifts))(
  '%s is claimed with its batch, under the next number',
  async ([, [kind, sql, attempt]], { lab }) => {
    const { id } = await {
      queued: () => lab.enqueue(noop, {}),
      running: () => lab.running(),
      'handed back': () => lab.handedBack(),
    }[kind]();
    const neighbours = await sendTasks(lab.lovage.pool, [newTask(), newTask(), newTask()]);
    await lab.unseen(sql.replace(':id', `'${id}'`));
    const claims = await lab.claim();

    expect(claims).toHaveLength(4);
    expect(claims.find((claim) => claim.id === id)).toMatchObject({ attempt });
    for (const claim of claims) expect(await lab.settle(claim, succeeded)).toBe('succeeded');
    for (const neighbour of neighbours)
      expect(await lab.history(neighbour.id)).toEqual(['queued 0', 'started 1', 'succeeded 1']);
  },
);

test('a final task’s job that turns up in the queue is not handed out with its batch, but as a retry', async ({
  lab,
}) => {
  const claim = await lab.running();
  await lab.settle(claim, succeeded);
  await lab.unseen(`INSERT INTO pgboss.job (id, name) VALUES ('${claim.id}', 'diag')`);
  const neighbour = await lab.enqueue(noop, {});

  expect((await lab.claim()).map(({ id }) => id)).toEqual([neighbour.id]);
  expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2 }]);
  expect(await lab.history(claim.id)).toEqual([
    'queued 0',
    'started 1',
    'succeeded 1',
    'requeued 1',
    'started 2',
  ]);
});

test('a job fetched by pg-boss itself is a running task without a worker', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  await lab.boss.fetch('diag');

  expect(await lab.task(id)).toMatchObject({ state: 'running', attempt: 1, worker_id: null });
  expect((await lab.events(id)).at(-1)).toMatchObject({
    type: 'started',
    data: { by: expect.stringMatching(/^sql:/) },
  });
});
