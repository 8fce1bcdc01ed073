import { noop } from '../../packs/diag/tasks.ts';
import { expect, succeeded, test, type JournalLab } from './journal-lab.ts';

/** Tasks that wait for a worker, each with the history it has so far. */
const waiting = {
  queued: async (lab: JournalLab) => (await lab.enqueue(noop, {})).id,
  delayed: async (lab: JournalLab) => (await lab.enqueue(noop, {}, { delayMs: 60_000 })).id,
  retrying: async (lab: JournalLab) => (await lab.retrying()).id,
  'handed back': async (lab: JournalLab) => (await lab.handedBack()).id,
};
const each = Object.entries(waiting);

/** What the last event says, and who it says did it. */
const last = async (lab: JournalLab, id: string) => (await lab.events(id)).at(-1);
const byOperator = { by: expect.stringMatching(/^sql:/) };

test.for([
  ['queued', 'expired', 0],
  ['delayed', 'expired', 0],
  ['retrying', 'cancelled', 1],
  ['handed back', 'cancelled', 1],
] as const)('a %s task whose job is deleted is %s', async ([kind, state, attempt], { lab }) => {
  const id = await waiting[kind](lab);
  await lab.byHand(`DELETE FROM pgboss.job WHERE id = '${id}'`);

  expect(await lab.job(id)).toBeUndefined();
  expect(await lab.task(id)).toMatchObject({ state, attempt, finished_at: expect.any(Date) });
  expect(await last(lab, id)).toMatchObject({ type: state, attempt, data: byOperator });
});

test.for(each)('a %s task whose job is cancelled is cancelled', async ([, make], { lab }) => {
  const id = await make(lab);
  await lab.byHand(`UPDATE pgboss.job SET state = 'cancelled' WHERE id = '${id}'`);

  expect(await lab.task(id)).toMatchObject({ state: 'cancelled', finished_at: expect.any(Date) });
  expect(await last(lab, id)).toMatchObject({ type: 'cancelled', data: byOperator });
  expect(await lab.claim()).toEqual([]);
});

test.for(each)(
  'a %s task whose job is completed has succeeded with a null result',
  async ([, make], { lab }) => {
    const id = await make(lab);
    await lab.byHand(`UPDATE pgboss.job SET state = 'completed' WHERE id = '${id}'`);

    expect(await lab.get(id)).toMatchObject({ state: 'succeeded', result: null, error: null });
    expect(await lab.sql('SELECT output FROM lovage.task_result WHERE task_id = $1', [id])).toEqual([
      { output: null },
    ]);
    expect(await last(lab, id)).toMatchObject({ type: 'succeeded', data: byOperator });
  },
);

test.for(each)('a %s task whose job is failed has failed', async ([, make], { lab }) => {
  const id = await make(lab);
  await lab.byHand(`UPDATE pgboss.job SET state = 'failed' WHERE id = '${id}'`);

  expect(await lab.task(id)).toMatchObject({ state: 'failed' });
  expect(await last(lab, id)).toMatchObject({ type: 'failed', data: byOperator });
});

test.for(each)('a %s task follows its job’s priority, due time and key', async ([, make], { lab }) => {
  const id = await make(lab);
  const before = await lab.history(id);
  const state = (await lab.task(id))?.state;
  await lab.byHand(`UPDATE pgboss.job SET priority = 7 WHERE id = '${id}'`);
  await lab.byHand(`UPDATE pgboss.job SET start_after = '2040-01-01T00:00:00Z' WHERE id = '${id}'`);
  await lab.byHand(`UPDATE pgboss.job SET singleton_key = 'one' WHERE id = '${id}'`);

  const attempt = (await lab.task(id))?.attempt;
  expect(await lab.task(id)).toMatchObject({
    state,
    priority: 7,
    due_at: new Date('2040-01-01T00:00:00Z'),
    concurrency_key: 'one',
  });
  expect((await lab.history(id)).slice(before.length)).toEqual(Array(3).fill(`changed ${attempt}`));
  expect((await last(lab, id))?.data).toMatchObject({ ...byOperator, priority: 7 });
});

test('an update that changes nothing a task has leaves no event', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  await lab.byHand(
    `UPDATE pgboss.job SET priority = priority, output = '{"note": 1}', heartbeat_on = now() WHERE id = '${id}'`,
  );

  expect(await lab.history(id)).toEqual(['queued 0']);
});

test('a change that is rolled back leaves no event', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  await lab.byHand(`BEGIN; DELETE FROM pgboss.job WHERE id = '${id}'; ROLLBACK`);

  expect(await lab.task(id)).toMatchObject({ state: 'queued' });
  expect(await lab.history(id)).toEqual(['queued 0']);
});

test('a retrying task that is pulled forward is claimed at once, under the next number', async ({ lab }) => {
  const { id } = await lab.retrying();
  await lab.byHand(`UPDATE pgboss.job SET start_after = now() WHERE id = '${id}'`);

  expect(await lab.claim()).toMatchObject([{ id, attempt: 2 }]);
});

test.for([
  ['retrying', `state = 'created'`],
  ['retrying', `state = 'created', started_on = NULL, retry_count = 0`],
  ['retrying', `started_on = NULL, retry_count = 0`],
  ['handed back', `state = 'retry'`],
  ['handed back', `started_on = NULL`],
  ['handed back', `retry_count = 0, started_on = NULL, start_after = now() - interval '1 hour'`],
] as const)('a %s task with %s by hand goes on with attempt 2', async ([kind, change], { lab }) => {
  const id = await waiting[kind](lab);
  await lab.byHand(`UPDATE pgboss.job SET ${change} WHERE id = '${id}'`);
  await lab.byHand(`UPDATE pgboss.job SET start_after = now() WHERE id = '${id}'`);

  expect(await lab.claim()).toMatchObject([{ id, attempt: 2 }]);
  expect(await lab.settle({ id, attempt: 1 }, succeeded)).toBeNull();
  expect(await lab.settle({ id, attempt: 2 }, succeeded)).toBe('succeeded');
});

test('a retrying task that is put to waiting and back by hand keeps one end per attempt', async ({ lab }) => {
  const { id } = await lab.retrying();
  await lab.byHand(`UPDATE pgboss.job SET state = 'created' WHERE id = '${id}'`);
  await lab.byHand(`UPDATE pgboss.job SET state = 'retry' WHERE id = '${id}'`);

  expect(await lab.history(id)).toEqual(['queued 0', 'started 1', 'retrying 1', 'requeued 1', 'retrying 1']);
});

test('one statement by hand may touch jobs of every kind', async ({ lab }) => {
  const ids = [await waiting.queued(lab), await waiting.retrying(lab)];
  const running = await lab.running();
  await lab.byHand(
    `UPDATE pgboss.job SET retry_count = 0, started_on = NULL, priority = 3, start_after = now() WHERE name = 'diag'`,
  );

  expect(await lab.history(running.id)).toEqual(['queued 0', 'started 1', 'changed 1']);
  expect(await lab.settle(running, succeeded)).toBe('succeeded');
  const claims = await lab.claim();
  expect(claims.map(({ id, attempt }) => [id, attempt])).toEqual(expect.arrayContaining([[ids[1], 2]]));
});

test('a job that is moved to another queue of ours takes its task along', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  await lab.byHand(`UPDATE pgboss.job SET name = 'spare' WHERE id = '${id}'`);

  expect(await lab.task(id)).toMatchObject({ state: 'queued', queue: 'spare' });
  expect(await lab.claim(1, 'spare')).toMatchObject([{ id, queue: 'spare', attempt: 1 }]);
  expect(await lab.settle({ id, attempt: 1 }, succeeded)).toBe('succeeded');
});
