import { sleep } from '../../packs/diag/tasks.ts';
import { cancelled, expect, failed, handedBack, succeeded, test, until } from './journal-lab.ts';

const byOperator = { by: expect.stringMatching(/^sql:/) };

test.for([
  ['deleted', (id: string) => `DELETE FROM pgboss.job WHERE id = '${id}'`],
  [
    'cancelled',
    (id: string) => `UPDATE pgboss.job SET state = 'cancelled', completed_on = now() WHERE id = '${id}'`,
  ],
] as const)(
  'a running task whose job is %s stays running until its worker says it has stopped',
  async ([, change], { lab }) => {
    const claim = await lab.running();
    const before = await lab.job(claim.id);
    await lab.byHand(change(claim.id));

    expect(await lab.job(claim.id)).toMatchObject({
      state: 'active',
      retry_count: before?.retry_count,
      start_after: before?.start_after,
    });
    expect(await lab.task(claim.id)).toMatchObject({
      state: 'running',
      attempt: 1,
      worker_id: lab.workerId,
      cancel_requested_at: expect.any(Date),
      cancel_requested_by: byOperator.by,
    });
    expect(await lab.settle(claim, cancelled)).toBe('cancelled');
    expect(await lab.history(claim.id)).toEqual([
      'queued 0',
      'started 1',
      'cancel_requested 1',
      'cancelled 1',
    ]);
  },
);

test.for([
  ['deleted', (id: string) => `DELETE FROM pgboss.job WHERE id = '${id}'`],
  ['cancelled', (id: string) => `UPDATE pgboss.job SET state = 'cancelled' WHERE id = '${id}'`],
] as const)('the handler of a task whose job is %s gets its signal', async ([, change], { lab }) => {
  const worker = await lab.worker({ queues: ['diag'] });
  const { id } = await lab.enqueue(sleep, { ms: 60_000 });
  await until(async () => (await lab.task(id))?.state === 'running');
  await lab.byHand(change(id));

  expect(await lab.final(id)).toMatchObject({ state: 'cancelled', attempt: 1 });
  expect(await lab.history(id)).toEqual(['queued 0', 'started 1', 'cancel_requested 1', 'cancelled 1']);
  await worker.drain(0);
});

test('deleting a running job again and again asks once', async ({ lab }) => {
  const claim = await lab.running();
  for (let time = 0; time < 3; time += 1) await lab.byHand(`DELETE FROM pgboss.job WHERE id = '${claim.id}'`);
  await lab.byHand(`UPDATE pgboss.job SET state = 'cancelled' WHERE id = '${claim.id}'`);

  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'cancel_requested 1']);
  expect(await lab.settle(claim, succeeded)).toBe('cancelled');
});

test('a later attempt whose job is deleted keeps its number', async ({ lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, handedBack);
  const [second] = await lab.claim();
  await lab.byHand(`DELETE FROM pgboss.job WHERE id = '${claim.id}'`);

  expect(second).toMatchObject({ attempt: 2 });
  expect(await lab.job(claim.id)).toMatchObject({ state: 'active', retry_count: 1 });
  expect(await lab.settle(claim, cancelled)).toBeNull();
  expect(await lab.settle({ id: claim.id, attempt: 2 }, cancelled)).toBe('cancelled');
});

test('a running task whose job is completed has succeeded, and its worker’s outcome is refused', async ({
  lab,
}) => {
  const claim = await lab.running();
  await lab.byHand(
    `UPDATE pgboss.job SET state = 'completed', completed_on = now() WHERE id = '${claim.id}'`,
  );

  expect(await lab.get(claim.id)).toMatchObject({ state: 'succeeded', result: null });
  expect(await lab.settle(claim, { kind: 'succeeded', output: 'late', ttlMs: 60_000 })).toBeNull();
  expect(await lab.settle(claim, failed)).toBeNull();
  expect(await lab.get(claim.id)).toMatchObject({ state: 'succeeded', result: null });
  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'succeeded 1']);
});

test('a running task whose job is failed has failed, and its worker’s outcome is refused', async ({
  lab,
}) => {
  const claim = await lab.running();
  await lab.byHand(`UPDATE pgboss.job SET state = 'failed' WHERE id = '${claim.id}'`);

  expect(await lab.settle(claim, succeeded)).toBeNull();
  expect(await lab.task(claim.id)).toMatchObject({ state: 'failed' });
  expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'failed 1']);
});

test.for([
  `state = 'created', started_on = NULL, retry_count = 0`,
  `state = 'created', started_on = NULL`,
  `state = 'created', retry_count = 0`,
  `state = 'created'`,
  `state = 'retry', started_on = NULL, retry_count = 0`,
])('a running job that is reset to %s never uses a number again', async (change, { lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, handedBack);
  await lab.claim();
  await lab.byHand(`UPDATE pgboss.job SET ${change} WHERE id = '${claim.id}'`);

  expect(await lab.settle({ id: claim.id, attempt: 2 }, succeeded)).toBeNull();
  expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 3 }]);
  expect(await lab.settle({ id: claim.id, attempt: 2 }, succeeded)).toBeNull();
  expect(await lab.settle({ id: claim.id, attempt: 1 }, succeeded)).toBeNull();
  expect(await lab.settle({ id: claim.id, attempt: 3 }, succeeded)).toBe('succeeded');
});

test.for(['retry_count = 0', 'retry_count = 9', 'retry_count = 9, priority = 4', 'started_on = NULL'])(
  'a running job with %s by hand is still its worker’s, under the same number',
  async (change, { lab }) => {
    const claim = await lab.running();
    await lab.settle(claim, handedBack);
    await lab.claim();
    await lab.byHand(`UPDATE pgboss.job SET ${change} WHERE id = '${claim.id}'`);

    expect(await lab.task(claim.id)).toMatchObject({ state: 'running', attempt: 2 });
    expect(await lab.settle({ id: claim.id, attempt: 2 }, handedBack)).toBe('queued');
    expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt: 3 }]);
  },
);

test('a running task follows its job’s priority, due time and key and keeps running', async ({ lab }) => {
  const claim = await lab.running();
  await lab.byHand(`UPDATE pgboss.job SET priority = 7, singleton_key = 'one' WHERE id = '${claim.id}'`);

  expect(await lab.task(claim.id)).toMatchObject({
    state: 'running',
    priority: 7,
    concurrency_key: 'one',
    worker_id: lab.workerId,
  });
  expect((await lab.events(claim.id)).at(-1)).toMatchObject({
    type: 'changed',
    attempt: 1,
    data: { priority: 7, ...byOperator },
  });
  expect(await lab.settle(claim, succeeded)).toBe('succeeded');
});
