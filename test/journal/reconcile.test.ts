import { randomUUID } from 'node:crypto';
import { noop, progress } from '../../packs/diag/tasks.ts';
import { sendTasks } from '../../src/queue/send.ts';
import {
  expect,
  failed,
  newTask,
  onConnection,
  succeeded,
  test,
  until,
  type JournalLab,
} from './journal-lab.ts';

const reconcile = (lab: JournalLab) =>
  lab.sql<{ mended: string; task_id: string }>(
    'SELECT mended, task_id FROM lovage.reconcile() ORDER BY 1, 2',
  );

/** Breaks a task past the triggers; what reconcile() then does with it, and that it does it once. */
async function mend(lab: JournalLab, id: string, sql: string) {
  await lab.unseen(sql.replaceAll(':id', `'${id}'`));
  expect(await lab.violations()).not.toEqual([]);
  const mended = (await reconcile(lab)).filter(({ task_id }) => task_id === id);
  expect(await lab.violations()).toEqual([]);
  expect(await reconcile(lab)).toEqual([]);
  return mended.map((row) => row.mended);
}

test('a queued task whose job is missing gets it back', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {}, { priority: 4, delayMs: 60_000 });
  const before = await lab.job(id);

  expect(await mend(lab, id, 'DELETE FROM pgboss.job WHERE id = :id')).toEqual([
    'restored the job of a queued task',
  ]);
  expect(await lab.job(id)).toMatchObject({
    state: 'created',
    priority: 4,
    start_after: before?.start_after,
    retry_count: 0,
  });
  expect(await lab.history(id)).toEqual(['queued 0']);
});

test('a handed-back task whose job is missing goes on with the next number', async ({ lab }) => {
  const { id } = await lab.handedBack();

  expect(await mend(lab, id, 'DELETE FROM pgboss.job WHERE id = :id')).toEqual([
    'restored the job of a queued task',
  ]);
  expect(await lab.claim()).toMatchObject([{ id, attempt: 2 }]);
});

test('a retrying task whose job is missing gets it back, with its due time', async ({ lab }) => {
  const { id } = await lab.retrying(60_000);
  const before = await lab.job(id);

  expect(await mend(lab, id, 'DELETE FROM pgboss.job WHERE id = :id')).toEqual([
    'restored the job of a retrying task',
  ]);
  expect(await lab.job(id)).toMatchObject({
    state: 'retry',
    start_after: before?.start_after,
    retry_count: 0,
  });
  await lab.byHand(`UPDATE pgboss.job SET start_after = now() WHERE id = '${id}'`);
  expect(await lab.claim()).toMatchObject([{ id, attempt: 2 }]);
});

test('a running task whose job is missing gets it back, and its worker settles as if nothing had been', async ({
  lab,
}) => {
  const claim = await lab.running();

  expect(await mend(lab, claim.id, 'DELETE FROM pgboss.job WHERE id = :id')).toEqual([
    'restored the job of a running task',
  ]);
  expect(await lab.settle(claim, succeeded)).toBe('succeeded');
  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'succeeded 1']);
});

test('a live job of a final task is removed, and the task stays as it ended', async ({ lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, failed);

  expect(await mend(lab, claim.id, `INSERT INTO pgboss.job (id, name) VALUES (:id, 'diag')`)).toEqual([
    'removed the job of a final task',
  ]);
  expect(await lab.job(claim.id)).toBeUndefined();
  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'failed 1']);
});

test.for([
  ['created', 'queued', 'requeued 1'],
  ['retry', 'retrying', 'retrying 1'],
] as const)(
  'a running task whose job went to %s unseen is %s, and its worker is refused',
  async ([jobState, state, event], { lab }) => {
    const claim = await lab.running();

    expect(
      await mend(lab, claim.id, `UPDATE pgboss.job SET state = '${jobState}' WHERE id = :id`),
    ).toHaveLength(1);
    expect(await lab.task(claim.id)).toMatchObject({ state });
    expect((await lab.events(claim.id)).at(-1)?.data).toMatchObject({ by: 'lovage' });
    expect((await lab.history(claim.id)).at(-1)).toBe(event);
    expect(await lab.settle(claim, succeeded)).toBeNull();
    expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2 }]);
  },
);

test.for([
  ['completed', 'succeeded'],
  ['failed', 'failed'],
] as const)('tasks whose jobs were %s unseen have %s', async ([jobState, state], { lab }) => {
  const [waiting, running] = [await lab.retrying(), await lab.running()];
  await mend(lab, waiting.id, `UPDATE pgboss.job SET state = '${jobState}'`);

  expect(await lab.task(waiting.id)).toMatchObject({ state });
  expect(await lab.task(running.id)).toMatchObject({ state });
});

test('tasks whose jobs were cancelled unseen are cancelled, the running one as soon as it has stopped', async ({
  lab,
}) => {
  const [waiting, running] = [await lab.retrying(), await lab.running()];
  await mend(lab, waiting.id, `UPDATE pgboss.job SET state = 'cancelled'`);

  expect(await lab.task(waiting.id)).toMatchObject({ state: 'cancelled' });
  expect(await lab.task(running.id)).toMatchObject({
    state: 'running',
    cancel_requested_at: expect.any(Date),
  });
  expect(await lab.settle(running, succeeded)).toBe('cancelled');
});

test('a claim that nobody saw is undone: no worker could settle it', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  const mended = await mend(
    lab,
    id,
    `UPDATE pgboss.job SET state = 'active', started_on = now() WHERE id = :id`,
  );

  expect(mended).toEqual(['brought the task in line with its job']);
  expect(await lab.job(id)).toMatchObject({ state: 'created' });
  const [claim] = await lab.claim();
  expect(claim?.id).toBe(id);
  expect(await lab.settle({ id, attempt: claim?.attempt ?? 0 }, succeeded)).toBe('succeeded');
});

test('a running task whose job is ahead of it by unseen claims waits for a new number', async ({ lab }) => {
  const claim = await lab.running();
  await mend(lab, claim.id, 'UPDATE pgboss.job SET retry_count = 3 WHERE id = :id');

  expect(await lab.settle(claim, succeeded)).toBeNull();
  expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2 }]);
});

test('a running task whose job fell behind keeps its number, and its worker settles', async ({ lab }) => {
  const { id } = await lab.handedBack();
  await lab.claim();
  await mend(lab, id, 'UPDATE pgboss.job SET retry_count = 0 WHERE id = :id');

  expect(await lab.settle({ id, attempt: 2 }, succeeded)).toBe('succeeded');
});

test.for(['created', 'retry', 'active', 'completed', 'cancelled'])(
  'a job nobody saw arrive as %s is adopted',
  async (state, { lab }) => {
    const id = randomUUID();
    await mend(
      lab,
      id,
      `INSERT INTO pgboss.job (id, name, state, data) VALUES (:id, 'diag', '${state}', '{"name": "diag.echo", "input": {"value": 1}}')`,
    );

    expect(await lab.get(id)).toMatchObject({ name: 'diag.echo', input: { value: 1 }, createdBy: 'lovage' });
    expect((await lab.history(id))[0]).toBe('queued 0');
  },
);

test.for([
  ['has stopped', 'stopped_at = now()'],
  ['was rescued before its job came back', `lost_at = now() - interval '2 minutes'`],
] as const)('what runs in the name of a worker that %s runs again', async ([, ended], { lab }) => {
  const claim = await lab.running();
  await lab.sql(`UPDATE lovage.worker SET ${ended}`);
  const mended = await reconcile(lab);
  await lab.sql('UPDATE lovage.worker SET stopped_at = NULL, lost_at = NULL');

  expect(mended).toEqual([{ mended: 'queued a task again whose worker has ended', task_id: claim.id }]);
  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'rescued 1']);
  expect(await lab.settle(claim, succeeded)).toBeNull();
  expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2 }]);
});

test('a result without a success is removed', async ({ lab }) => {
  const [running, gone] = [await lab.running(), randomUUID()];
  const expires = `now() + interval '1 day'`;
  await mend(
    lab,
    running.id,
    `INSERT INTO lovage.task_result (task_id, output, expires_at) VALUES (:id, '1', ${expires}), ('${gone}', '1', ${expires})`,
  );

  expect(await lab.sql('SELECT * FROM lovage.task_result')).toEqual([]);
});

test.for([
  [
    'dropped',
    (table: string) => `DROP TRIGGER lovage_insert ON ${table}; DROP TRIGGER lovage_delete ON ${table}`,
  ],
  ['disabled', (table: string) => `ALTER TABLE ${table} DISABLE TRIGGER USER`],
  ['set to replica', (table: string) => `ALTER TABLE ${table} ENABLE REPLICA TRIGGER lovage_update`],
] as const)('triggers that were %s are back, on a partition and on the parent', async ([, harm], { lab }) => {
  for (const table of [await lab.partition(), 'pgboss.job']) {
    await lab.byHand(harm(table));
    await reconcile(lab);
    const { id } = await lab.enqueue(noop, {});
    await lab.byHand(`UPDATE ${table} SET priority = 6 WHERE id = '${id}'`);
    await lab.byHand(`DELETE FROM ${table} WHERE id = '${id}'`);

    expect(await lab.history(id)).toEqual(['queued 0', 'changed 0', 'expired 0']);
  }
});

test('what happened while the triggers were off is made good', async ({ lab }) => {
  const table = await lab.partition();
  const [lost, kept] = [await lab.retrying(), await lab.enqueue(noop, {})];
  await lab.byHand(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
  await lab.byHand(
    `UPDATE ${table} SET priority = 5, state = 'cancelled' WHERE id = '${kept.id}'; DELETE FROM ${table} WHERE id = '${lost.id}'`,
  );
  const sent = await lab.boss.send('diag', { name: 'diag.noop', input: {} });
  await reconcile(lab);

  expect(await lab.task(kept.id)).toMatchObject({ state: 'cancelled', priority: 5 });
  expect(await lab.job(lost.id)).toMatchObject({ state: 'retry' });
  expect(await lab.task(sent ?? '')).toMatchObject({ state: 'queued' });
});

test('a worker mends what it finds when it starts', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  await lab.unseen(`DELETE FROM pgboss.job WHERE id = '${id}'`);
  const worker = await lab.worker({ queues: ['diag'] });

  expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
  await worker.drain(1_000);
});

test('two that reconcile at once mend each thing once', async ({ lab }) => {
  const tasks = await sendTasks(
    lab.lovage.pool,
    Array.from({ length: 50 }, () => newTask()),
  );
  await lab.unseen('DELETE FROM pgboss.job');
  const mended = (await Promise.all([reconcile(lab), reconcile(lab), reconcile(lab)])).flat();

  expect(mended.map(({ task_id }) => task_id).toSorted()).toEqual(tasks.map(({ id }) => id).toSorted());
  expect(await lab.claim(100)).toHaveLength(50);
});

test('beside busy workers and a stream of enqueues it finds nothing to mend, and no invariant is ever broken', async ({
  lab,
}) => {
  const workers = [
    await lab.worker({ queues: ['diag'], slots: 20 }),
    await lab.worker({ queues: ['diag'], slots: 20 }),
  ];
  const ids: string[] = [];
  const found: unknown[] = [];
  const looks: true[] = [];
  const over = new AbortController();
  const enqueueing = (async () => {
    // A machine that is quick goes on until the other side has looked often enough.
    for (let round = 0; round < 25 || looks.length <= 5; round += 1) {
      ids.push((await lab.enqueue(progress, { steps: 3, everyMs: 2 })).id);
      const group = await sendTasks(
        lab.lovage.pool,
        Array.from({ length: 10 }, () => newTask()),
      );
      lab.lovage.notifier.ready('diag');
      ids.push(...group.map(({ id }) => id));
    }
    await until(async () => (await unfinished(lab)) === 0);
    over.abort();
  })();
  await onConnection(lab.url, async (client) => {
    while (!over.signal.aborted) {
      looks.push(true);
      found.push(...(await client.query('SELECT * FROM lovage.reconcile()')).rows);
      found.push(...(await client.query('SELECT * FROM lovage.check_invariants()')).rows);
    }
  });
  await enqueueing;
  await Promise.all(workers.map((worker) => worker.drain(1_000)));

  expect(found).toEqual([]);
  expect(ids.length).toBeGreaterThanOrEqual(275);
});

async function unfinished(lab: JournalLab): Promise<number> {
  const [row] = await lab.sql<{ tasks: number }>(
    'SELECT count(*)::int AS tasks FROM lovage.task WHERE NOT lovage.is_final(state)',
  );
  return row?.tasks ?? 0;
}
