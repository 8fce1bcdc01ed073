import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../lab.ts';
import { type HttpLab, openHttpLab } from './http-lab.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const submit = (name: string, body: unknown, query = '') =>
  lab.call('POST', `/v1/tasks/${name}${query}`, { body });

describe('without a worker', () => {
  test('a task is accepted with 202, where to look and when, and is committed by then', async () => {
    const answer = await submit('diag.echo', { value: 1 }, '?priority=7&tags=a,b&tags=c');

    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(`/v1/tasks/${answer.body.id}`);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.body).toMatchObject({
      name: 'diag.echo',
      state: 'queued',
      attempt: 0,
      priority: 7,
      tags: ['a', 'b', 'c'],
      createdBy: 'key:root',
      startedAt: null,
      progress: null,
      error: null,
      statusUrl: `/v1/tasks/${answer.body.id}`,
    });
    expect(answer.body).not.toHaveProperty('input');
    expect(answer.body).not.toHaveProperty('result');
    expect(await lab.lab.get(answer.body.id)).toMatchObject({ state: 'queued', input: { value: 1 } });
  });

  test('the 202 shows input and result where they are asked for', async () => {
    const answer = await submit('diag.echo', { value: 1 }, '?include=input,result');
    expect(answer.body).toMatchObject({ input: { value: 1 }, result: null });
  });

  test('a delayed task is scheduled', async () => {
    const { body } = await submit('diag.noop', {}, '?delayMs=60000');
    expect(body.state).toBe('scheduled');
    expect(Date.parse(body.dueAt) - Date.parse(body.createdAt)).toBe(60_000);
  });

  test('a preference to wait is echoed, and 202 comes when the time is over first', async () => {
    const path = '/v1/tasks/diag.noop?include=input';
    const answer = await lab.call('POST', path, { body: {}, headers: { prefer: 'wait=1' } });
    expect(answer.status).toBe(202);
    expect(answer.headers.get('preference-applied')).toBe('wait=1');
    expect(answer.body).toMatchObject({ state: 'queued', input: {} });
  });

  test.each(['wait=0', 'wait=-5', 'wait=soon'])(
    'a preference without sense is passed over: %s',
    async (prefer) => {
      const answer = await lab.call('POST', '/v1/tasks/diag.noop', { body: {}, headers: { prefer } });
      expect(answer.status).toBe(202);
      expect(answer.headers.get('preference-applied')).toBeNull();
    },
  );

  test('one task comes whole, and 304 while it stays as it was', async () => {
    const { body } = await submit('diag.echo', { value: 1 });
    const path = `/v1/tasks/${body.id}`;
    const shown = await lab.call('GET', path);
    expect(shown.body).toMatchObject({ input: { value: 1 }, result: null });
    const bare = await lab.call('GET', `${path}?include=`);
    expect(bare.body).not.toHaveProperty('input');
    expect(bare.body).not.toHaveProperty('result');
    const etag = shown.headers.get('etag') ?? '';
    expect(etag).toMatch(/^W\/"/);

    const again = await lab.call('GET', path, { headers: { 'if-none-match': `"other", ${etag}` } });
    expect(again).toMatchObject({ status: 304, text: '' });
    await lab.call('POST', `${path}/cancel`);
    expect((await lab.call('GET', path, { headers: { 'if-none-match': etag } })).status).toBe(200);
  });

  test('a waiter is answered as soon as its task is final', async () => {
    const { body } = await submit('diag.noop', {});
    const waiting = lab.call('GET', `/v1/tasks/${body.id}?wait=20`);
    await until(
      () => lab.lovage.finals.size,
      (size) => size > 0,
    );
    await lab.call('POST', `/v1/tasks/${body.id}/cancel`, { body: { reason: 'not needed' } });
    expect((await waiting).body.state).toBe('cancelled');
  });

  test('a caller that hangs up while waiting cancels nothing and leaves nothing behind', async () => {
    const hangUp = new AbortController();
    const waiting = lab.call('POST', '/v1/tasks/diag.noop?async=false&tags=left', {
      body: {},
      signal: hangUp.signal,
    });
    await until(
      () => lab.lovage.finals.size,
      (size) => size > 0,
    );
    hangUp.abort();
    await expect(waiting).rejects.toThrow();
    await until(
      () => lab.lovage.finals.size,
      (size) => size === 0,
    );
    const { body } = await lab.call('GET', '/v1/tasks?tag=left');
    expect(body.items).toMatchObject([{ state: 'queued' }]);
  });

  test('cancelling a queued task is done at once, and doing it again changes nothing', async () => {
    const { body } = await submit('diag.noop', {});
    const first = await lab.call('POST', `/v1/tasks/${body.id}/cancel`, { body: { reason: 'wrong file' } });
    expect(first).toMatchObject({
      status: 200,
      body: { id: body.id, state: 'cancelled', outcome: 'cancelled' },
    });
    const second = await lab.call('POST', `/v1/tasks/${body.id}/cancel`);
    expect(second).toMatchObject({ status: 200, body: { outcome: 'already_final' } });
    const { body: history } = await lab.call('GET', `/v1/tasks/${body.id}/events`);
    expect(history.items.map(({ type }) => type)).toEqual(['queued', 'cancelled']);
  });

  test('a list is filtered, paged by cursor, and shows neither input nor result', async () => {
    for (const value of [1, 2, 3]) await submit('diag.echo', { value }, '?tags=page');
    const first = await lab.call(
      'GET',
      '/v1/tasks?tag=page&state=queued,running&limit=2&name=diag.echo&queue=diag',
    );
    expect(first.body.items).toHaveLength(2);
    expect(first.body.items[0]).not.toHaveProperty('input');
    const cursor = encodeURIComponent(first.body.nextCursor ?? '');
    const second = await lab.call('GET', `/v1/tasks?tag=page&limit=2&cursor=${cursor}&include=input`);
    expect(second.body).toMatchObject({ items: [{ input: { value: 1 } }], nextCursor: null });
    expect(
      (await lab.call('GET', '/v1/tasks?tag=page&createdAfter=2100-01-01T00:00:00Z')).body.items,
    ).toEqual([]);
  });

  test('an unfinished task has no result yet', async () => {
    const { body } = await submit('diag.noop', {});
    expect(await lab.call('GET', `/v1/tasks/${body.id}/result`)).toMatchObject({
      status: 409,
      body: { type: '/problems/conflict' },
    });
  });
});

describe('with a worker', () => {
  beforeAll(() => lab.work());

  test('?async=false answers with the final task, its result inside', async () => {
    const answer = await submit('diag.echo', { value: [1, { two: 'zwei' }] }, '?async=false');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      state: 'succeeded',
      attempt: 1,
      result: { value: [1, { two: 'zwei' }] },
    });

    const { id } = answer.body;
    expect((await lab.call('GET', `/v1/tasks/${id}/result`)).body).toEqual({ value: [1, { two: 'zwei' }] });
    const attempts = await lab.call('GET', `/v1/tasks/${id}/attempts`);
    expect(attempts.body.items).toMatchObject([{ attempt: 1, outcome: 'succeeded', error: null }]);
  });

  test('it answers 200 also when the task failed', async () => {
    const answer = await submit('old.analyze', { ticker: 'ACME', year: 2024, note: 'fail' }, '?async=false');
    expect(answer).toMatchObject({
      status: 200,
      body: { state: 'failed', result: null, error: { message: 'no such filing' } },
    });
    expect((await lab.call('GET', `/v1/tasks/${answer.body.id}/result`)).status).toBe(409);
  });

  test('a running task is asked to stop with 202, and is cancelled when it has', async () => {
    const { body } = await submit('diag.sleep', { ms: 60_000 });
    await until(
      () => lab.lab.get(body.id),
      ({ state }) => state === 'running',
    );
    const answer = await lab.call('POST', `/v1/tasks/${body.id}/cancel`, { body: { reason: 'too long' } });
    expect(answer).toMatchObject({ status: 202, body: { id: body.id, outcome: 'requested' } });
    expect(answer.body).not.toHaveProperty('input');
    expect((await lab.call('GET', `/v1/tasks/${body.id}?wait=20`)).body.state).toBe('cancelled');
  });

  test('a result past its time to live is gone', async () => {
    const { body } = await submit('diag.echo', { value: 1 }, '?async=false');
    await lab.lab.sql(
      `UPDATE lovage.task_result SET expires_at = now() - interval '1 s' WHERE task_id = $1`,
      [body.id],
    );
    expect(await lab.call('GET', `/v1/tasks/${body.id}/result`)).toMatchObject({
      status: 410,
      body: { type: '/problems/result-expired' },
    });
    expect((await lab.call('GET', `/v1/tasks/${body.id}`)).body).toMatchObject({
      state: 'succeeded',
      result: null,
    });
  });
});
