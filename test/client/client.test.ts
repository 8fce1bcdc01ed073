import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, createClient, LovageClientError, TaskFailedError } from '../../src/client/index.ts';
import { type HttpLab, openHttpLab, ROOT_KEY } from '../api/http-lab.ts';
import type { config } from '../api/fixture.ts';

let lab: HttpLab;
let client: Client<typeof config>;
beforeAll(async () => {
  lab = await openHttpLab();
  await lab.work();
  client = createClient<typeof config>({ url: lab.api.url, apiKey: ROOT_KEY });
});
afterAll(() => lab[Symbol.asyncDispose]());

test('run resolves to the result', async () => {
  expect(await client.run('old.analyze', { ticker: 'ACME', year: 2024 })).toEqual({
    ticker: 'ACME',
    risks: ['fire'],
  });
});

test('run rejects with the task when it ends without a result', async () => {
  const failed = client.run('old.analyze', { ticker: 'ACME', year: 2024, note: 'fail' });
  await expect(failed).rejects.toThrow(TaskFailedError);
  await expect(failed).rejects.toMatchObject({
    task: { name: 'old.analyze', state: 'failed', error: { message: 'no such filing' } },
  });
});

test('tasks started together need not fit into one request', async () => {
  const value = 'x'.repeat(60_000);
  const made = await Promise.all([1, 2, 3].map(() => client.enqueue('diag.echo', { value })));
  expect(made).toHaveLength(3);
});

test('giving up waiting does not cancel the task', async () => {
  const waiting = client.run('diag.sleep', { ms: 60_000 }, { timeoutMs: 200, tags: ['given-up'] });
  await expect(waiting).rejects.toMatchObject({ code: 'timed-out' });
  const { items } = await client.list({ tag: 'given-up', state: ['queued', 'running'] });
  expect(items).toHaveLength(1);
  for (const { id } of items) await client.cancel(id);
});

test('a task is enqueued, shown, listed, waited for and cancelled', async () => {
  const task = await client.enqueue('diag.sleep', { ms: 60_000 }, { tags: ['mine'], priority: 3 });
  expect(task).toMatchObject({ name: 'diag.sleep', priority: 3, tags: ['mine'] });
  expect(await client.get(task.id)).toMatchObject({ input: { ms: 60_000 } });
  expect((await client.list({ tag: 'mine' })).items).toMatchObject([{ id: task.id }]);
  await client.cancel(task.id, { reason: 'enough' });
  expect(await client.wait(task.id)).toMatchObject({ state: 'cancelled' });
  expect((await client.events(task.id)).items.at(-1)).toMatchObject({ type: 'cancelled' });
});

test('a task is given limits, explained, and retried once it is final', async () => {
  const limits = { softLimitMs: 60_000, hardLimitMs: 90_000 };
  const task = await client.enqueue('diag.echo', { value: 1 }, { delayMs: 60_000, ...limits });
  expect(task).toMatchObject(limits);
  expect(await client.explain(task.id)).toMatchObject({
    state: 'scheduled',
    reasons: [{ reason: 'not_due' }],
  });
  expect(await client.retry(task.id)).toMatchObject({ outcome: 'not_final' });
  await client.cancel(task.id);
  expect(await client.retry(task.id)).toMatchObject({ outcome: 'queued', task: { id: task.id } });
  expect(await client.wait(task.id)).toMatchObject({ state: 'succeeded', result: { value: 1 } });
  expect(await client.explain(task.id)).toMatchObject({
    reasons: [{ reason: 'final', detail: 'succeeded' }],
  });
  await expect(client.enqueue('diag.echo', { value: 1 }, { softLimitMs: 0 })).rejects.toMatchObject({
    code: 'validation',
    faults: [{ pointer: '/softLimitMs' }],
  });
  expect(await client.trpc.tasks.retryAll.mutate({ tag: 'nobody' })).toEqual({
    queued: 0,
    skipped: 0,
    nextCursor: null,
  });
  expect((await client.trpc.queues.list.query()).items.map(({ name }) => name)).toContain('diag');
});

test('calls made together go in one request, and still answer each for itself', async () => {
  const answers = await Promise.allSettled([
    client.enqueue('diag.echo', { value: 1 }),
    client.enqueue('diag.sleep', { ms: -1 }),
    client.enqueue('diag.echo', { value: 2 }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('a refusal tells its code, its status and its faults', async () => {
  const refused = client.enqueue('diag.sleep', { ms: -1 });
  await expect(refused).rejects.toThrow(LovageClientError);
  await expect(refused).rejects.toMatchObject({
    code: 'validation',
    status: 422,
    faults: [{ pointer: '/ms' }],
  });
  await expect(client.get('nonsense')).rejects.toMatchObject({ code: 'task-not-found', status: 404 });
  const stranger = createClient<typeof config>({ url: lab.api.url, apiKey: 'not-a-key-of-this-server' });
  await expect(stranger.list()).rejects.toMatchObject({ code: 'unauthorized', status: 401 });
  const nowhere = createClient<typeof config>({ url: 'http://127.0.0.1:1', apiKey: ROOT_KEY });
  await expect(nowhere.list()).rejects.toMatchObject({ code: 'unreachable' });
});

test('an error shows no stack and no other secret of the server', async () => {
  const answer = await lab.call('GET', '/trpc/tasks.get?input=%7B%22id%22%3A%22x%22%7D');
  expect(Object.keys((JSON.parse(answer.text) as { error: { data: object } }).error.data).toSorted()).toEqual(
    ['code', 'httpStatus', 'path', 'problem'],
  );
});

test('the tRPC client nests definitions by their names', async () => {
  const task = await client.trpc.run.diag.echo.mutate({ input: { value: 'x' }, waitMs: 20_000 });
  expect(task).toMatchObject({ state: 'succeeded', result: { value: 'x' } });
});

test('a server that goes away for a moment while a task is waited for is waited for too', async () => {
  const broken = { left: 2 };
  const flaky: typeof fetch = (input, init) => {
    if (new Request(input, init).url.includes('tasks.wait') && broken.left-- > 0)
      return Promise.reject(new TypeError('fetch failed'));
    return fetch(input, init);
  };
  const patient = createClient<typeof config>({ url: lab.api.url, apiKey: ROOT_KEY, fetch: flaky });
  expect(await patient.run('diag.echo', { value: 1 })).toEqual({ value: 1 });
  expect(broken.left).toBeLessThan(0);
});
