import { noop } from '../../packs/diag/tasks.ts';
import { sendTasks } from '../../src/queue/send.ts';
import { settleAttempts, type Settlement } from '../../src/queue/settle.ts';
import { cancelled, expect, failed, handedBack, newTask, retrying, succeeded, test } from './journal-lab.ts';

test('a success ends the task, stores its result and leaves no job', async ({ lab }) => {
  const claim = await lab.running();
  const state = await lab.settle(claim, { kind: 'succeeded', output: { answer: 42 }, ttlMs: 60_000 });

  expect(state).toBe('succeeded');
  expect(await lab.job(claim.id)).toBeUndefined();
  expect(await lab.task(claim.id)).toMatchObject({
    state: 'succeeded',
    attempt: 1,
    error: null,
    finished_at: expect.any(Date),
  });
  expect(await lab.get(claim.id)).toMatchObject({ result: { answer: 42 } });
  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'succeeded 1']);
  expect((await lab.events(claim.id)).at(-1)?.data).toEqual({});
});

test('a final failure keeps its error in the task and in its history', async ({ lab }) => {
  const claim = await lab.running();
  const state = await lab.settle(claim, failed);

  expect(state).toBe('failed');
  expect(await lab.job(claim.id)).toBeUndefined();
  expect(await lab.task(claim.id)).toMatchObject({
    state: 'failed',
    failures: 1,
    error: { code: 'broken', message: 'it broke' },
  });
  expect((await lab.events(claim.id)).at(-1)).toMatchObject({
    type: 'failed',
    attempt: 1,
    data: { error: { code: 'broken' } },
  });
});

test('a retry waits in place: the job keeps its start and its count, and the next attempt is 2', async ({
  lab,
}) => {
  const claim = await lab.running();
  const before = await lab.job(claim.id);
  const state = await lab.settle(claim, retrying());

  expect(state).toBe('retrying');
  expect(await lab.job(claim.id)).toMatchObject({
    state: 'retry',
    retry_count: 0,
    started_on: before?.started_on,
  });
  expect(await lab.task(claim.id)).toMatchObject({
    state: 'retrying',
    attempt: 1,
    failures: 1,
    error: { code: 'flaky' },
  });
  expect((await lab.events(claim.id)).at(-1)).toMatchObject({
    type: 'retrying',
    attempt: 1,
    data: { error: { code: 'flaky' }, dueAt: expect.any(String) },
  });

  expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2, failures: 1 }]);
  expect(await lab.settle({ id: claim.id, attempt: 2 }, succeeded)).toBe('succeeded');
  expect(await lab.task(claim.id)).toMatchObject({ state: 'succeeded', error: null });
  expect(await lab.history(claim.id)).toEqual([
    'queued 0',
    'started 1',
    'retrying 1',
    'started 2',
    'succeeded 2',
  ]);
});

test('a retry is not handed out before its time', async ({ lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, retrying(60_000));

  const waitMs = Number((await lab.task(claim.id))?.due_at) - Date.now();
  expect(await lab.claim()).toEqual([]);
  expect(waitMs).toBeGreaterThan(50_000);
});

test('a hand-back costs no failure and keeps the reason', async ({ lab }) => {
  const claim = await lab.running();
  const state = await lab.settle(claim, handedBack);

  expect(state).toBe('queued');
  expect(await lab.job(claim.id)).toMatchObject({
    state: 'created',
    retry_count: 0,
    started_on: expect.any(Date),
  });
  expect(await lab.task(claim.id)).toMatchObject({ state: 'queued', attempt: 1, failures: 0, error: null });
  expect((await lab.events(claim.id)).at(-1)).toMatchObject({
    type: 'handed_back',
    attempt: 1,
    data: { reason: 'shutting down' },
  });
  expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2, failures: 0 }]);
});

test('an attempt that was told to stop ends its task as cancelled', async ({ lab }) => {
  const claim = await lab.running();
  await lab.sql('SELECT lovage.cancel($1, $2)', [claim.id, 'changed our minds']);
  const state = await lab.settle(claim, cancelled);

  expect(state).toBe('cancelled');
  expect(await lab.job(claim.id)).toBeUndefined();
  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'cancel_requested 1', 'cancelled 1']);
  expect((await lab.events(claim.id)).at(-1)?.data).toMatchObject({ reason: 'changed our minds' });
});

test.for([
  ['a success', succeeded],
  ['a failure', failed],
  ['a retry', retrying()],
  ['a hand-back', handedBack],
] as const)('a cancel that was asked for before wins over %s', async ([, outcome], { lab }) => {
  const claim = await lab.running();
  await lab.sql('SELECT lovage.cancel($1)', [claim.id]);

  expect(await lab.settle(claim, outcome)).toBe('cancelled');
  expect(await lab.task(claim.id)).toMatchObject({ state: 'cancelled', failures: 0, error: null });
  expect((await lab.history(claim.id)).at(-1)).toBe('cancelled 1');
  expect(await lab.sql('SELECT 1 FROM lovage.task_result WHERE task_id = $1', [claim.id])).toEqual([]);
});

test('what an attempt still had to say is written before its end', async ({ lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, succeeded, {
    progress: { current: 2, total: 2, message: 'done' },
    events: [
      { type: 'progress', data: { current: 1 }, agoMs: 20 },
      { type: 'log', data: { message: 'hello' }, agoMs: 10 },
    ],
  });

  expect(await lab.history(claim.id)).toEqual([
    'queued 0',
    'started 1',
    'progress 1',
    'log 1',
    'succeeded 1',
  ]);
  expect(await lab.get(claim.id)).toMatchObject({ progress: { current: 2, total: 2, message: 'done' } });
});

test('one group ends its attempts in every way there is', async ({ lab }) => {
  const accepted = await sendTasks(
    lab.lovage.pool,
    Array.from({ length: 6 }, () => newTask()),
  );
  const claims = await lab.claim();
  const ids = accepted.map(({ id }) => id);
  await lab.sql('SELECT lovage.cancel($1)', [ids[5]]);
  const outcomes = [succeeded, failed, retrying(60_000), handedBack, cancelled, succeeded];
  const group = ids.map(
    (id, index) => ({ id, attempt: 1, progress: null, events: [], ...outcomes[index] }) as Settlement,
  );

  const settled = await settleAttempts(lab.lovage.pool, 'diag', lab.workerId, group);
  const states = new Map(settled.map(({ id, state }) => [id, state]));
  expect(claims).toHaveLength(6);
  expect(ids.map((id) => states.get(id))).toEqual([
    'succeeded',
    'failed',
    'retrying',
    'queued',
    'cancelled',
    'cancelled',
  ]);
  expect(await Promise.all(ids.map(async (id) => (await lab.history(id)).at(-1)))).toEqual([
    'succeeded 1',
    'failed 1',
    'retrying 1',
    'handed_back 1',
    'cancelled 1',
    'cancelled 1',
  ]);
});

test('a group that holds one outcome Postgres refuses changes nothing', async ({ lab }) => {
  await sendTasks(lab.lovage.pool, [newTask(), newTask()]);
  const [first, second] = await lab.claim();
  const nul: Settlement = {
    id: second?.id ?? '',
    attempt: 1,
    progress: null,
    events: [],
    kind: 'succeeded',
    output: '\0',
    ttlMs: 1,
  };
  const good = { id: first?.id ?? '', attempt: 1, progress: null, events: [], ...succeeded };

  await expect(settleAttempts(lab.lovage.pool, 'diag', lab.workerId, [good, nul])).rejects.toThrow();
  expect(await lab.history(first?.id ?? '')).toEqual(['queued 0', 'started 1']);
  expect(await lab.job(first?.id ?? '')).toMatchObject({ state: 'active' });
});

test('a settle names its queue: under another one nothing is accepted', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  await lab.claim();

  const settled = await settleAttempts(lab.lovage.pool, 'spare', lab.workerId, [
    { id, attempt: 1, progress: null, events: [], ...succeeded },
  ]);
  expect(settled).toEqual([]);
  expect(await lab.task(id)).toMatchObject({ state: 'running' });
});

test('what a settle sets for its triggers does not reach the next statement of the transaction', async ({
  lab,
}) => {
  const claim = await lab.running();
  const other = await lab.running();
  await lab.sql('SELECT lovage.cancel($1, $2)', [claim.id, 'enough']);
  const group = JSON.stringify([{ id: claim.id, attempt: 1, events: [], kind: 'cancelled' }]);

  await lab.byHand(
    `BEGIN; SELECT count(*) FROM lovage.settle('diag', '${lab.workerId}', '${group}');
     UPDATE pgboss.job SET state = 'created' WHERE id = '${other.id}'; COMMIT`,
  );
  expect((await lab.events(other.id)).at(-1)).toMatchObject({
    type: 'requeued',
    data: { by: expect.stringMatching(/^sql:/) },
  });
  expect((await lab.events(other.id)).at(-1)?.data).not.toHaveProperty('reason');
});
