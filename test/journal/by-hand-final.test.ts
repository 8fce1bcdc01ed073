import { randomUUID } from 'node:crypto';
import { noop } from '../../packs/diag/tasks.ts';
import { expect, failed, succeeded, test, type JournalLab } from './journal-lab.ts';

const byOperator = { by: expect.stringMatching(/^sql:/) };
/** A final task whose job an operator left in the queue's table. */
async function finishByHand(lab: JournalLab, state: string): Promise<string> {
  const claim = await lab.running();
  await lab.byHand(`UPDATE pgboss.job SET state = 'failed' WHERE id = '${claim.id}'`);
  if (state !== 'failed') {
    await lab.byHand(`UPDATE pgboss.job SET state = 'created', start_after = now() WHERE id = '${claim.id}'`);
    await lab.byHand(`UPDATE pgboss.job SET state = '${state}' WHERE id = '${claim.id}'`);
  }
  return claim.id;
}
const insertJob = (id: string, columns: Record<string, string> = {}) => {
  const all = { id: `'${id}'`, name: `'diag'`, data: `'{"name": "diag.noop", "input": {}}'`, ...columns };
  return `INSERT INTO pgboss.job (${Object.keys(all).join(', ')}) VALUES (${Object.values(all).join(', ')})`;
};

test.for(['completed', 'failed', 'cancelled'])(
  'deleting what is left of a %s job changes nothing',
  async (state, { lab }) => {
    const id = await finishByHand(lab, state);
    const before = [await lab.task(id), await lab.history(id)];
    await lab.byHand(`DELETE FROM pgboss.job WHERE id = '${id}'`);

    expect([await lab.task(id), await lab.history(id)]).toEqual(before);
  },
);

test.for([
  ['completed', 'created'],
  ['completed', 'retry'],
  ['completed', 'active'],
  ['failed', 'created'],
  ['failed', 'retry'],
  ['failed', 'active'],
  ['cancelled', 'created'],
  ['cancelled', 'retry'],
] as const)(
  'setting a %s job to %s is a retry: the next attempt has the next number',
  async ([from, to], { lab }) => {
    const id = await finishByHand(lab, from);
    await lab.byHand(
      `UPDATE pgboss.job SET state = '${to}', started_on = NULL, retry_count = 0 WHERE id = '${id}'`,
    );

    expect(await lab.task(id)).toMatchObject({
      state: to === 'retry' ? 'retrying' : 'queued',
      finished_at: null,
    });
    expect((await lab.events(id)).at(-1)).toMatchObject({ type: 'requeued', data: byOperator });
    expect(await lab.sql('SELECT 1 FROM lovage.task_result WHERE task_id = $1', [id])).toEqual([]);
    expect(await lab.claim()).toMatchObject([{ id, attempt: 2 }]);
    expect(await lab.settle({ id, attempt: 2 }, succeeded)).toBe('succeeded');
  },
);

test.for([
  ['completed', 'failed'],
  ['completed', 'cancelled'],
  ['failed', 'completed'],
  ['cancelled', 'failed'],
] as const)('relabelling a %s job as %s leaves the task as it ended', async ([from, to], { lab }) => {
  const id = await finishByHand(lab, from);
  const before = [await lab.task(id), await lab.history(id)];
  await lab.byHand(`UPDATE pgboss.job SET state = '${to}', priority = 9 WHERE id = '${id}'`);

  expect([await lab.task(id), await lab.history(id)]).toEqual(before);
});

test('lovage.retry makes room for itself among what psql left', async ({ lab }) => {
  const id = await finishByHand(lab, 'completed');
  const [answer] = await lab.sql('SELECT lovage.retry($1) AS outcome', [id]);

  expect(answer).toEqual({ outcome: 'queued' });
  expect(await lab.claim()).toMatchObject([{ id, attempt: 2 }]);
});

test('cancelling what psql finished is too late', async ({ lab }) => {
  const id = await finishByHand(lab, 'completed');
  const [answer] = await lab.sql('SELECT lovage.cancel($1) AS outcome', [id]);

  expect(answer).toEqual({ outcome: 'already_final' });
});

test('a job inserted by hand becomes a task that a worker can run', async ({ lab }) => {
  const id = randomUUID();
  await lab.byHand(insertJob(id, { priority: '4' }));

  expect(await lab.task(id)).toMatchObject({
    state: 'queued',
    attempt: 0,
    priority: 4,
    input: {},
    created_by: byOperator.by,
  });
  expect(await lab.events(id)).toMatchObject([{ number: 1, type: 'queued', attempt: 0, data: byOperator }]);
  expect(await lab.claim()).toMatchObject([{ id, name: 'diag.noop', attempt: 1 }]);
});

test.for([
  ['retry', 'retrying', ['queued 0', 'retrying 0']],
  ['active', 'running', ['queued 0', 'started 1']],
  ['completed', 'succeeded', ['queued 0', 'succeeded 0']],
  ['cancelled', 'cancelled', ['queued 0', 'cancelled 0']],
  ['failed', 'failed', ['queued 0', 'failed 0']],
] as const)('a job inserted by hand as %s becomes a %s task', async ([state, expected, history], { lab }) => {
  const id = randomUUID();
  await lab.byHand(insertJob(id, { state: `'${state}'` }));

  expect(await lab.task(id)).toMatchObject({ state: expected });
  expect(await lab.history(id)).toEqual(history);
});

test('a job inserted by hand under a final task’s id is a retry', async ({ lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, failed);
  await lab.byHand(insertJob(claim.id));

  expect(await lab.task(claim.id)).toMatchObject({ state: 'queued', attempt: 1 });
  expect((await lab.history(claim.id)).at(-1)).toBe('requeued 1');
  expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2 }]);
});

test('many jobs inserted in one statement become as many tasks', async ({ lab }) => {
  await lab.byHand(
    `INSERT INTO pgboss.job (name, data) SELECT 'diag', '{"name": "diag.noop", "input": {}}' FROM generate_series(1, 300)`,
  );

  expect(await lab.claim(500)).toHaveLength(300);
});

test.for(['NULL', `'"name"'`, `'[1, "name"]'`, `'17'`, `'{"name": null}'`])(
  'a job whose data is %s becomes a task too',
  async (data, { lab }) => {
    const id = randomUUID();
    await lab.byHand(insertJob(id, { data }));

    expect(await lab.get(id)).toMatchObject({ state: 'queued', name: 'diag' });
  },
);

test('an enqueue beside an operator’s delete ends one way or the other', async ({ lab }) => {
  const tasks = await Promise.all([
    ...Array.from({ length: 20 }, () => lab.enqueue(noop, {})),
    lab.byHand(`DELETE FROM pgboss.job WHERE name = 'diag'`),
  ]);
  const ids = tasks.flatMap((task) => (task ? [task.id] : []));
  const states = await Promise.all(ids.map(async (id) => (await lab.task(id))?.state));

  expect(states.every((state) => state === 'queued' || state === 'expired')).toBe(true);
});
