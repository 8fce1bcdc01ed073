import { noop } from '../../packs/diag/tasks.ts';
import { reportAttempts, settleAttempts } from '../../src/queue/settle.ts';
import { rescueTasks } from '../../src/worker/lease/rescue.ts';
import { expect, failed, handedBack, retrying, succeeded, test, type JournalLab } from './journal-lab.ts';

/** Everything that is kept of a task, to see that nothing of it moved. */
const whole = async (lab: JournalLab, id: string) => ({
  task: await lab.task(id),
  job: await lab.job(id),
  history: await lab.history(id),
  progress: await lab.sql('SELECT * FROM lovage.task_progress WHERE task_id = $1', [id]),
  result: await lab.sql('SELECT * FROM lovage.task_result WHERE task_id = $1', [id]),
});

const said = {
  progress: { current: 1, total: 2, message: 'late' },
  events: [{ type: 'log' as const, data: { message: 'late' }, agoMs: 0 }],
};

test.for([
  ['a success', succeeded],
  ['a failure', failed],
  ['a retry', retrying()],
  ['a hand-back', handedBack],
  ['a cancel', { kind: 'cancelled' }],
] as const)('%s of an older attempt changes nothing', async ([, outcome], { lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, handedBack);
  await lab.claim();
  const before = await whole(lab, claim.id);

  expect(await lab.settle({ id: claim.id, attempt: 1 }, outcome, said)).toBeNull();
  expect(await lab.settle({ id: claim.id, attempt: 3 }, outcome, said)).toBeNull();
  expect(await whole(lab, claim.id)).toEqual(before);
});

test('a settle between two attempts changes nothing', async ({ lab }) => {
  const claim = await lab.retrying();
  const before = await whole(lab, claim.id);

  expect(await lab.settle(claim, succeeded)).toBeNull();
  expect(await lab.settle({ id: claim.id, attempt: 2 }, succeeded)).toBeNull();
  expect(await whole(lab, claim.id)).toEqual(before);
});

test('a settle after the end changes nothing', async ({ lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, failed);
  const before = await whole(lab, claim.id);

  expect(await lab.settle(claim, succeeded)).toBeNull();
  expect(await whole(lab, claim.id)).toEqual(before);
});

test('a report of an older attempt changes nothing', async ({ lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, handedBack);
  await lab.claim();
  const before = await whole(lab, claim.id);

  expect(await reportAttempts(lab.lovage.pool, 'diag', [{ id: claim.id, attempt: 1, ...said }])).toEqual([]);
  expect(await whole(lab, claim.id)).toEqual(before);
  expect(await reportAttempts(lab.lovage.pool, 'diag', [{ id: claim.id, attempt: 2, ...said }])).toEqual([
    claim.id,
  ]);
  expect((await lab.history(claim.id)).at(-1)).toBe('log 2');
});

test('of two settles of one attempt at once exactly one is accepted', async ({ lab }) => {
  for (let round = 0; round < 20; round += 1) {
    const claim = await lab.running();
    const states = await Promise.all([
      lab.settle(claim, succeeded),
      lab.settle(claim, failed),
      lab.settle(claim, retrying(60_000)),
    ]);

    const accepted = states.filter((state) => state !== null);
    expect(accepted).toHaveLength(1);
    expect(await lab.task(claim.id)).toMatchObject({ state: accepted[0] });
    expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', `${accepted[0]} 1`]);
  }
});

test('the worker of a hand-back that is claimed again is refused, and the history goes on', async ({
  lab,
}) => {
  const claim = await lab.running();
  await lab.settle(claim, handedBack);
  const [again] = await lab.claim();

  expect(again).toMatchObject({ id: claim.id, attempt: 2 });
  expect(await lab.settle(claim, succeeded)).toBeNull();
  expect(await lab.settle({ id: claim.id, attempt: 2 }, succeeded)).toBe('succeeded');
  expect(await lab.history(claim.id)).toEqual([
    'queued 0',
    'started 1',
    'handed_back 1',
    'started 2',
    'succeeded 2',
  ]);
});

test('a dead worker’s task gets the next number, and its late settle is refused', async ({ lab }) => {
  const claim = await lab.running();
  await diesSilently(lab);
  const rescued = await rescueTasks(lab.lovage.pool);

  expect(rescued).toMatchObject([{ task_id: claim.id, queue: 'diag', worker_id: lab.workerId }]);
  expect(await lab.task(claim.id)).toMatchObject({ state: 'queued', attempt: 1, crashes: 1, failures: 0 });
  expect((await lab.events(claim.id)).at(-1)).toMatchObject({
    type: 'rescued',
    attempt: 1,
    data: { by: 'lovage', reason: 'its worker died' },
  });
  expect(await lab.settle(claim, succeeded)).toBeNull();
  expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2 }]);
  expect(await lab.settle(claim, succeeded)).toBeNull();
  expect(await lab.settle({ id: claim.id, attempt: 2 }, succeeded)).toBe('succeeded');
  expect(await lab.history(claim.id)).toEqual([
    'queued 0',
    'started 1',
    'rescued 1',
    'started 2',
    'succeeded 2',
  ]);
});

test('a dead worker’s task that was to be cancelled is cancelled by the rescue', async ({ lab }) => {
  const claim = await lab.running();
  await lab.sql('SELECT lovage.cancel($1)', [claim.id]);
  await diesSilently(lab);
  await rescueTasks(lab.lovage.pool);

  expect(await lab.job(claim.id)).toBeUndefined();
  expect(await lab.task(claim.id)).toMatchObject({ state: 'cancelled', attempt: 1 });
  expect((await lab.events(claim.id)).at(-1)).toMatchObject({
    type: 'cancelled',
    data: { by: 'lovage', reason: 'its worker died' },
  });
});

test('a rescue leaves waiting tasks, and those of living workers, alone', async ({ lab }) => {
  const [waiting, running] = [await lab.retrying(), await lab.running()];

  expect(await rescueTasks(lab.lovage.pool)).toEqual([]);
  await diesSilently(lab);
  expect((await rescueTasks(lab.lovage.pool)).map(({ task_id }) => task_id)).toEqual([running.id]);
  expect(await rescueTasks(lab.lovage.pool)).toEqual([]);
  expect(await lab.history(waiting.id)).toEqual(['queued 0', 'started 1', 'retrying 1']);
});

test('two rescues at once take each task once', async ({ lab }) => {
  for (let n = 0; n < 10; n += 1) await lab.enqueue(noop, {});
  await lab.claim();
  await diesSilently(lab);

  const rescued = (await Promise.all([1, 2, 3].map(() => rescueTasks(lab.lovage.pool)))).flat();
  expect(rescued).toHaveLength(10);
});

test.for(['succeeded', 'failed', 'cancelled'] as const)(
  'a retry of a %s task goes on with its numbers and its history',
  async (state, { lab }) => {
    const claim = await lab.running();
    await lab.settle(claim, { succeeded, failed, cancelled: { kind: 'cancelled' } as const }[state]);
    const [answer] = await lab.sql('SELECT lovage.retry($1) AS outcome', [claim.id]);

    expect(answer).toEqual({ outcome: 'queued' });
    expect(await lab.task(claim.id)).toMatchObject({
      state: 'queued',
      attempt: 1,
      failures: 0,
      error: null,
      finished_at: null,
    });
    expect(await lab.sql('SELECT 1 FROM lovage.task_result WHERE task_id = $1', [claim.id])).toEqual([]);
    expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2 }]);
    expect(await lab.settle(claim, succeeded)).toBeNull();
    expect(await lab.settle({ id: claim.id, attempt: 2 }, succeeded)).toBe('succeeded');
    expect(await lab.history(claim.id)).toEqual([
      'queued 0',
      'started 1',
      `${state} 1`,
      'requeued 1',
      'started 2',
      'succeeded 2',
    ]);
  },
);

test('a retry of a task that was cancelled while it ran is not cancelled at its next start', async ({
  lab,
}) => {
  const claim = await lab.running();
  await lab.sql('SELECT lovage.cancel($1)', [claim.id]);
  await lab.settle(claim, { kind: 'cancelled' });
  await lab.sql('SELECT lovage.retry($1)', [claim.id]);

  expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2, cancelRequested: false }]);
});

test('a retry of a task that never ran starts with attempt 1', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  await lab.sql('SELECT lovage.cancel($1)', [id]);
  await lab.sql('SELECT lovage.retry($1)', [id]);

  expect(await lab.claim()).toMatchObject([{ id, attempt: 1 }]);
  expect(await lab.history(id)).toEqual(['queued 0', 'cancelled 0', 'requeued 0', 'started 1']);
});

test('a task that is not final is not retried', async ({ lab }) => {
  const [waiting, running] = [await lab.retrying(), await lab.running()];
  const answers = await lab.sql('SELECT lovage.retry(id) AS outcome FROM lovage.task WHERE id = ANY ($1)', [
    [waiting.id, running.id],
  ]);

  expect(answers).toEqual([{ outcome: 'not_final' }, { outcome: 'not_final' }]);
  expect(await lab.history(waiting.id)).toEqual(['queued 0', 'started 1', 'retrying 1']);
});

test('an unknown task is neither retried nor cancelled', async ({ lab }) => {
  const [answer] = await lab.sql(
    `SELECT lovage.retry(gen_random_uuid()) AS retried, lovage.cancel(gen_random_uuid()) AS cancelled`,
  );

  expect(answer).toEqual({ retried: 'not_found', cancelled: 'not_found' });
});

test('a stale attempt in the group of its successor is refused, and the successor’s outcome stands', async ({
  lab,
}) => {
  const claim = await lab.running();
  await lab.settle(claim, handedBack);
  await lab.claim();
  const stale = { id: claim.id, attempt: 1, ...said, ...failed };
  const own = {
    id: claim.id,
    attempt: 2,
    progress: { current: 9, total: 9, message: null },
    events: [],
    ...succeeded,
  };

  await settleAttempts(lab.lovage.pool, 'diag', lab.workerId, [stale, own]);
  expect(await lab.task(claim.id)).toMatchObject({ state: 'succeeded', failures: 0, error: null });
  expect(await lab.get(claim.id)).toMatchObject({ progress: { current: 9 } });
  expect(await lab.history(claim.id)).toEqual([
    'queued 0',
    'started 1',
    'handed_back 1',
    'started 2',
    'succeeded 2',
  ]);
});

test('two outcomes of one attempt in a group: the first one counts', async ({ lab }) => {
  const claim = await lab.running();
  const own = { id: claim.id, attempt: 1, progress: null, events: [] };

  await settleAttempts(lab.lovage.pool, 'diag', lab.workerId, [
    { ...own, ...retrying(60_000) },
    { ...own, ...handedBack },
  ]);
  expect(await lab.task(claim.id)).toMatchObject({ state: 'retrying', failures: 1 });
  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'retrying 1']);
});

test('reports of a stale attempt beside its successor’s are dropped, the successor’s are written', async ({
  lab,
}) => {
  const claim = await lab.running();
  await lab.settle(claim, handedBack);
  await lab.claim();
  const progress = { current: 9, total: 9, message: null };

  await reportAttempts(lab.lovage.pool, 'diag', [
    { id: claim.id, attempt: 1, ...said },
    { id: claim.id, attempt: 2, progress, events: [{ type: 'progress', data: progress, agoMs: 0 }] },
  ]);
  expect(await lab.get(claim.id)).toMatchObject({ progress: { current: 9 } });
  expect((await lab.history(claim.id)).slice(3)).toEqual(['started 2', 'progress 2']);
});

async function diesSilently(lab: JournalLab): Promise<void> {
  await lab.sql(
    `UPDATE lovage.worker SET heartbeat_at = now() - interval '1 minute', lost_at = NULL WHERE id = $1`,
    [lab.workerId],
  );
}
