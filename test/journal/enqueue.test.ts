import { echo, noop } from '../../packs/diag/tasks.ts';
import { inTransaction } from '../transaction.ts';
import { sendTasks } from '../../src/queue/send.ts';
import { expect, newTask, test } from './journal-lab.ts';

test('an accepted task has its job, its row and its first event', async ({ lab }) => {
  const { id } = await lab.enqueue(echo, { value: 1 }, { priority: 7, tags: ['blue'] });

  expect(await lab.job(id)).toMatchObject({
    name: 'diag',
    state: 'created',
    priority: 7,
    retry_count: 0,
    started_on: null,
  });
  expect(await lab.task(id)).toMatchObject({
    state: 'queued',
    attempt: 0,
    priority: 7,
    events: 1,
    input: { value: 1 },
    created_by: 'key:test',
  });
  expect(await lab.events(id)).toMatchObject([{ number: 1, type: 'queued', attempt: 0, data: {} }]);
});

test('a delayed task keeps its due time in its job and its row', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {}, { delayMs: 60_000 });

  const [job, task] = [await lab.job(id), await lab.task(id)];
  expect(job?.start_after).toEqual(task?.due_at);
  expect(await lab.get(id)).toMatchObject({ state: 'scheduled' });
  expect(await lab.claim()).toEqual([]);
});

test('a thousand tasks over two queues are accepted in one statement', async ({ lab }) => {
  const tasks = Array.from({ length: 1_000 }, (_, index) =>
    newTask({ queue: index % 2 === 0 ? 'diag' : 'spare', input: { index } }),
  );
  const accepted = await sendTasks(lab.lovage.pool, tasks);

  expect(accepted).toHaveLength(1_000);
  const counts = await lab.sql(
    `SELECT t.queue, count(*)::int AS tasks, count(j.id)::int AS jobs, count(e.task_id)::int AS events
     FROM lovage.task t LEFT JOIN pgboss.job j ON j.id = t.id AND j.name = t.queue AND j.state = 'created'
     LEFT JOIN lovage.task_event e ON e.task_id = t.id AND e.number = 1 AND e.type = 'queued'
     GROUP BY t.queue ORDER BY t.queue`,
  );
  expect(counts).toEqual([
    { queue: 'diag', tasks: 500, jobs: 500, events: 500 },
    { queue: 'spare', tasks: 500, jobs: 500, events: 500 },
  ]);
});

test('one task that is refused leaves nothing of its group', async ({ lab }) => {
  await expect(sendTasks(lab.lovage.pool, [newTask(), newTask({ maxAttempts: 0 })])).rejects.toThrow(
    'task_counts',
  );

  expect(await leftovers(lab)).toEqual({ tasks: 0, jobs: 0, events: 0 });
});

test('an enqueue that is rolled back leaves nothing', async ({ lab }) => {
  const rolledBack = inTransaction(lab.lovage.pool, async (tx) => {
    await sendTasks(tx, [newTask()]);
    throw new Error('the caller changed its mind');
  });

  await expect(rolledBack).rejects.toThrow('changed its mind');
  expect(await leftovers(lab)).toEqual({ tasks: 0, jobs: 0, events: 0 });
});

test('an enqueue in a savepoint that is rolled back leaves the next one journaled as ever', async ({
  lab,
}) => {
  const [kept] = await inTransaction(lab.lovage.pool, async (tx) => {
    await tx.query('SAVEPOINT attempt');
    await expect(sendTasks(tx, [newTask({ maxAttempts: 0 })])).rejects.toThrow('task_counts');
    await tx.query('ROLLBACK TO attempt');
    await lab.boss.send(
      'diag',
      { name: 'diag.noop', input: {} },
      { db: { executeSql: (text, values) => tx.query(text, values) } },
    );
    return sendTasks(tx, [newTask()]);
  });

  expect(await lab.history(kept?.id ?? '')).toEqual(['queued 0']);
  expect(await leftovers(lab)).toEqual({ tasks: 2, jobs: 2, events: 2 });
});

test('a job that pg-boss sends to a queue of ours becomes a task', async ({ lab }) => {
  const id = await lab.boss.send(
    'diag',
    { name: 'diag.echo', input: { value: 'hi' } },
    { priority: 3, singletonKey: 'one' },
  );

  expect(await lab.task(id ?? '')).toMatchObject({
    queue: 'diag',
    state: 'queued',
    priority: 3,
    input: { value: 'hi' },
    concurrency_key: 'one',
    created_by: expect.stringMatching(/^sql:/),
  });
  expect(await lab.get(id ?? '')).toMatchObject({ name: 'diag.echo', maxAttempts: 3, attempt: 0 });
  expect(await lab.events(id ?? '')).toMatchObject([
    { number: 1, type: 'queued', data: { by: expect.stringMatching(/^sql:/) } },
  ]);
});

test('jobs that pg-boss inserts in bulk become tasks, and a worker runs them', async ({ lab }) => {
  const jobs = Array.from({ length: 20 }, (_, value) => ({ data: { name: 'diag.echo', input: { value } } }));
  const ids = (await lab.boss.insert('diag', jobs, { returnId: true })) ?? [];
  const worker = await lab.worker({ queues: ['diag'] });

  const results = await Promise.all(ids.map(async (id) => (await lab.final(id)).result));
  await worker.drain(1_000);
  expect(new Set(results.map((result) => JSON.stringify(result)))).toHaveLength(20);
});

test('a job without an envelope is a task whose input is all of its data', async ({ lab }) => {
  const id = await lab.boss.send('spare', { value: 1 });

  expect(await lab.get(id ?? '')).toMatchObject({ name: 'spare', queue: 'spare', input: { value: 1 } });
});

test('a plain queue of pg-boss is not journaled', async ({ lab }) => {
  await lab.boss.createQueue('plain');
  const id = await lab.boss.send('plain', { name: 'diag.echo', input: {} });
  const [job] = await lab.boss.fetch('plain');
  await lab.boss.complete('plain', job?.id ?? '');
  await lab.byHand(
    `UPDATE pgboss.job SET priority = 5 WHERE name = 'plain'; DELETE FROM pgboss.job WHERE name = 'plain'`,
  );

  expect(job?.id).toBe(id);
  expect(await leftovers(lab)).toEqual({ tasks: 0, jobs: 0, events: 0 });
});

async function leftovers(lab: { sql: (text: string) => Promise<unknown[]> }) {
  const [row] = await lab.sql(
    `SELECT (SELECT count(*)::int FROM lovage.task) AS tasks, (SELECT count(*)::int FROM pgboss.job) AS jobs,
            (SELECT count(*)::int FROM lovage.task_event) AS events`,
  );
  return row;
}
