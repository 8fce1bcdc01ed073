import { noop } from '../../packs/diag/tasks.ts';
import { sendTasks } from '../../src/queue/send.ts';
import { cancelled, expect, newTask, succeeded, test, type JournalLab } from './journal-lab.ts';

/** The two names that the jobs of a queue can be reached under. */
const names = [
  ['its own partition', (lab: JournalLab) => lab.partition()],
  ['the parent', async () => 'pgboss.job'],
] as const;

test('each queue has a partition of its own with the journal’s four triggers', async ({ lab }) => {
  const rows = await lab.sql(
    `SELECT q.queue, (SELECT count(*)::int FROM pg_trigger g WHERE g.tgrelid = to_regclass(format('pgboss.%I', q.job_table))
                      AND g.tgname LIKE 'lovage%' AND g.tgenabled = 'O') AS triggers
     FROM lovage.queue_control q ORDER BY q.queue`,
  );

  expect(rows).toContainEqual({ queue: 'diag', triggers: 4 });
  expect(rows.filter(({ triggers }) => triggers !== 4)).toEqual([]);
});

test.for(names)('changes through %s are journaled once', async ([, table], { lab }) => {
  const jobs = await table(lab);
  const { id } = await lab.enqueue(noop, {});
  await lab.byHand(`UPDATE ${jobs} SET priority = 1 WHERE name = 'diag'`);
  await lab.byHand(`UPDATE ${jobs} SET state = 'cancelled' WHERE name = 'diag'`);
  await lab.byHand(`UPDATE ${jobs} SET state = 'created' WHERE name = 'diag'`);
  await lab.byHand(`DELETE FROM ${jobs} WHERE name = 'diag'`);
  await lab.byHand(`INSERT INTO ${jobs} (id, name, data) VALUES ('${id}', 'diag', '{"name": "diag.noop"}')`);

  expect(await lab.history(id)).toEqual([
    'queued 0',
    'changed 0',
    'cancelled 0',
    'requeued 0',
    'expired 0',
    'requeued 0',
  ]);
});

test('a statement through the parent reaches the tasks of every queue', async ({ lab }) => {
  const [first, second] = await sendTasks(lab.lovage.pool, [newTask(), newTask({ queue: 'spare' })]);
  await lab.byHand('UPDATE pgboss.job SET priority = 2');

  for (const task of [first, second]) {
    expect(await lab.task(task?.id ?? '')).toMatchObject({ priority: 2 });
    expect(await lab.history(task?.id ?? '')).toEqual(['queued 0', 'changed 0']);
  }
});

test.for(names)(
  'a truncate of %s ends what waits and asks what runs to stop',
  async ([name, table], { lab }) => {
    const [retrying, running] = [await lab.retrying(), await lab.running()];
    const [waiting, elsewhere] = await sendTasks(lab.lovage.pool, [newTask(), newTask({ queue: 'spare' })]);
    await lab.byHand(`TRUNCATE ${await table(lab)}`);

    expect(await lab.task(waiting?.id ?? '')).toMatchObject({ state: 'expired' });
    expect(await lab.task(retrying.id)).toMatchObject({ state: 'cancelled' });
    expect(await lab.task(elsewhere?.id ?? '')).toMatchObject({
      state: name === 'the parent' ? 'expired' : 'queued',
    });
    expect((await lab.events(waiting?.id ?? '')).at(-1)).toMatchObject({
      type: 'expired',
      data: { by: expect.stringMatching(/^sql:/), reason: 'the queue was truncated' },
    });
    expect(await lab.task(running.id)).toMatchObject({
      state: 'running',
      attempt: 1,
      cancel_requested_at: expect.any(Date),
    });
    expect(await lab.settle(running, cancelled)).toBe('cancelled');
    expect(await lab.history(running.id)).toEqual([
      'queued 0',
      'started 1',
      'cancel_requested 1',
      'cancelled 1',
    ]);
  },
);

test.for([undefined, 'diag'])(
  'deleteAllJobs(%s) of pg-boss, a truncate, is journaled',
  async (queue, { lab }) => {
    const { id } = await lab.enqueue(noop, {});
    await lab.boss.deleteAllJobs(queue);

    expect(await lab.history(id)).toEqual(['queued 0', 'expired 0']);
  },
);

test('a truncate that is rolled back leaves everything', async ({ lab }) => {
  const claim = await lab.running();
  await lab.byHand('BEGIN; TRUNCATE pgboss.job; ROLLBACK');

  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1']);
  expect(await lab.settle(claim, succeeded)).toBe('succeeded');
});

test('a final task has nothing to lose in a truncate', async ({ lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, succeeded);
  await lab.byHand('TRUNCATE pgboss.job');

  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'succeeded 1']);
});

test('the job of a task cannot move to a queue that is not ours', async ({ lab }) => {
  await lab.boss.createQueue('plain');
  const { id } = await lab.enqueue(noop, {});

  await expect(lab.byHand(`UPDATE pgboss.job SET name = 'plain' WHERE id = '${id}'`)).rejects.toThrow(
    'not declared',
  );
  expect(await lab.job(id)).toMatchObject({ name: 'diag' });
});
