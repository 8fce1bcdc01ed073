import { noop } from '../../packs/diag/tasks.ts';
import { cancelled, expect, handedBack, succeeded, test } from './journal-lab.ts';

const byOperator = { by: expect.stringMatching(/^sql:/) };

test('complete() of a running job: succeeded with a null result, and the worker is refused', async ({
  lab,
}) => {
  const claim = await lab.running();
  await lab.boss.complete('diag', claim.id, { answer: 42 });

  expect(await lab.get(claim.id)).toMatchObject({ state: 'succeeded', result: null });
  expect((await lab.events(claim.id)).at(-1)).toMatchObject({
    type: 'succeeded',
    attempt: 1,
    data: byOperator,
  });
  expect(await lab.settle(claim, succeeded)).toBeNull();
});

test('complete() of a job in the queue, where asked to include those: succeeded without an attempt', async ({
  lab,
}) => {
  const { id } = await lab.enqueue(noop, {});
  await lab.boss.complete('diag', id, null, { includeQueued: true });

  expect(await lab.get(id)).toMatchObject({ state: 'succeeded', attempt: 0, result: null });
  expect(await lab.history(id)).toEqual(['queued 0', 'succeeded 0']);
});

test('complete() of an older attempt changes nothing', async ({ lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, handedBack);
  await lab.claim();
  const { affected } = (await lab.boss.complete('diag', { id: claim.id, retryCount: 0 })) as unknown as {
    affected: number;
  };

  expect(affected).toBe(0);
  expect(await lab.task(claim.id)).toMatchObject({ state: 'running', attempt: 2 });
});

test('fail() of a running job: the task waits for its next attempt, though the job was made anew', async ({
  lab,
}) => {
  const claim = await lab.running();
  await lab.boss.fail('diag', claim.id, { message: 'by pg-boss' });

  expect(await lab.job(claim.id)).toMatchObject({ state: 'retry', retry_count: 0 });
  expect(await lab.task(claim.id)).toMatchObject({
    state: 'retrying',
    attempt: 1,
    cancel_requested_at: null,
  });
  expect(await lab.settle(claim, succeeded)).toBeNull();
  expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2 }]);
  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'retrying 1', 'started 2']);
});

test('fail() of many jobs at once leaves each with one event', async ({ lab }) => {
  for (let n = 0; n < 5; n += 1) await lab.enqueue(noop, {});
  const claims = await lab.claim();
  await lab.boss.fail(
    'diag',
    claims.map(({ id }) => id),
  );

  for (const { id } of claims) expect(await lab.history(id)).toEqual(['queued 0', 'started 1', 'retrying 1']);
});

test('fail() and retry() of a job that was sent without retries: failed, then waiting again', async ({
  lab,
}) => {
  const id = (await lab.boss.send('diag', { name: 'diag.noop', input: {} }, { retryLimit: 0 })) ?? '';
  await lab.claim();
  await lab.boss.fail('diag', id);
  const whenFailed = await lab.task(id);
  await lab.boss.retry('diag', id);

  expect(whenFailed).toMatchObject({ state: 'failed', finished_at: expect.any(Date) });
  expect(await lab.task(id)).toMatchObject({ state: 'retrying', finished_at: null });
  expect(await lab.history(id)).toEqual(['queued 0', 'started 1', 'failed 1', 'requeued 1']);
  expect(await lab.claim()).toMatchObject([{ id, attempt: 2 }]);
});

test('retry() of a job of ours that psql failed: waiting again', async ({ lab }) => {
  const claim = await lab.running();
  await lab.byHand(`UPDATE pgboss.job SET state = 'failed' WHERE id = '${claim.id}'`);
  await lab.boss.retry('diag', claim.id);

  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'failed 1', 'requeued 1']);
  expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2 }]);
});

test('cancel() and resume() of a waiting job', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  await lab.boss.cancel('diag', id);
  const whenCancelled = await lab.task(id);
  await lab.boss.resume('diag', id);

  expect(whenCancelled).toMatchObject({ state: 'cancelled' });
  expect(await lab.history(id)).toEqual(['queued 0', 'cancelled 0', 'requeued 0']);
  expect(await lab.claim()).toMatchObject([{ id, attempt: 1 }]);
});

test('cancel() and resume() of a retrying job: the number goes on', async ({ lab }) => {
  const { id } = await lab.retrying(0);
  await lab.boss.cancel('diag', id);
  await lab.boss.resume('diag', id);

  expect(await lab.history(id)).toEqual(['queued 0', 'started 1', 'retrying 1', 'cancelled 1', 'requeued 1']);
  expect(await lab.claim()).toMatchObject([{ id, attempt: 2 }]);
});

test('cancel() of a running job asks its worker to stop', async ({ lab }) => {
  const claim = await lab.running();
  await lab.boss.cancel('diag', claim.id);

  expect(await lab.task(claim.id)).toMatchObject({ state: 'running', cancel_requested_at: expect.any(Date) });
  expect(await lab.settle(claim, cancelled)).toBe('cancelled');
});

test('deleteJob() of a waiting, of a retrying and of a running job', async ({ lab }) => {
  const [retrying, running] = [await lab.retrying(), await lab.running()];
  const waiting = await lab.enqueue(noop, {});
  await lab.boss.deleteJob('diag', [waiting.id, retrying.id, running.id]);

  expect(await lab.task(waiting.id)).toMatchObject({ state: 'expired' });
  expect(await lab.task(retrying.id)).toMatchObject({ state: 'cancelled' });
  expect(await lab.task(running.id)).toMatchObject({
    state: 'running',
    cancel_requested_at: expect.any(Date),
  });
  expect(await lab.settle(running, succeeded)).toBe('cancelled');
});

test('restore() of a running job, which forgets its start, does not lead to a number used twice', async ({
  lab,
}) => {
  const claim = await lab.running();
  // What pg-boss's restore() runs; its public face has none.
  await lab.sql(
    `UPDATE ${await lab.partition()} SET state = 'created', started_on = NULL, heartbeat_on = NULL WHERE name = 'diag' AND id = $1`,
    [claim.id],
  );

  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'requeued 1']);
  expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 2 }]);
  expect(await lab.settle(claim, succeeded)).toBeNull();
});

test('update() of priority and due time is followed', async ({ lab }) => {
  const { id } = await lab.enqueue(noop, {});
  await lab.boss.update('diag', undefined, { id, priority: 9, startAfter: '2040-01-01T00:00:00Z' });

  expect(await lab.task(id)).toMatchObject({
    state: 'queued',
    priority: 9,
    due_at: new Date('2040-01-01T00:00:00Z'),
  });
  expect(await lab.history(id)).toEqual(['queued 0', 'changed 0']);
});

test('touch() leaves no event', async ({ lab }) => {
  const claim = await lab.running();
  await lab.boss.touch('diag', claim.id);

  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1']);
});

test('deleteQueuedJobs() and deleteStoredJobs() end what they delete, and nothing else', async ({ lab }) => {
  const waiting = await lab.enqueue(noop, {});
  await lab.boss.deleteStoredJobs('diag');
  const untouched = await lab.task(waiting.id);
  await lab.boss.deleteQueuedJobs('diag');

  expect(untouched).toMatchObject({ state: 'queued' });
  expect(await lab.task(waiting.id)).toMatchObject({ state: 'expired' });
});

test('its supervisor, switched on by somebody, ends nothing of ours', async ({ lab }) => {
  const [waiting, running] = [await lab.retrying(), await lab.running()];
  await lab.byHand(
    `UPDATE pgboss.job SET started_on = now() - interval '10 years', created_on = now() - interval '10 years'`,
  );
  await lab.boss.supervise('diag');

  expect(await lab.task(waiting.id)).toMatchObject({ state: 'retrying' });
  expect(await lab.settle(running, succeeded)).toBe('succeeded');
});
