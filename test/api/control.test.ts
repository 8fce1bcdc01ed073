import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpLab, openHttpLab, pointers } from './http-lab.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

interface Trpc {
  result: { data: Record<string, unknown> };
  error: { data: { httpStatus: number; problem: { code: string } } };
}
const UNKNOWN = '0197b6f0-0000-7000-8000-000000000000';

const post = (path: string, body?: unknown, key?: string) =>
  lab.call('POST', path, { ...(body !== undefined && { body }), ...(key !== undefined && { key }) });
const get = (path: string, key?: string) => lab.call('GET', path, key === undefined ? {} : { key });
const submit = async (query = '') => (await post(`/v1/tasks/diag.noop${query}`, {})).body.id;
const cancelled = async (query = '') => {
  const id = await submit(query);
  await post(`/v1/tasks/${id}/cancel`);
  return id;
};
const stateOf = async (id: string) => (await lab.lab.get(id)).state;
const trpc = async (verb: string, input: unknown, key?: string) => {
  const headers = { 'content-type': 'application/json' };
  const { text } = await lab.call('POST', `/trpc/${verb}`, {
    body: input,
    headers,
    ...(key !== undefined && { key }),
  });
  return JSON.parse(text) as Trpc;
};

describe('a task in JSON', () => {
  test('shows its limits, its key and its crashes, in the 202 as afterwards', async () => {
    const { body } = await post('/v1/tasks/diag.noop?softLimitMs=1000&hardLimitMs=2000', {});
    const shown = { softLimitMs: 1000, hardLimitMs: 2000, concurrencyKey: null, crashes: 0 };
    const untouched = {
      cancelRequestedBy: null,
      cancelReason: null,
      cancelOutcome: null,
      overdueAt: null,
    };
    expect(body).toMatchObject({ ...shown, ...untouched });
    expect((await get(`/v1/tasks/${body.id}`)).body).toMatchObject({ ...shown, ...untouched });
    const made = await trpc('tasks.enqueue', { name: 'diag.noop', input: {}, softLimitMs: 400_000 });
    expect(made.result.data).toMatchObject({ softLimitMs: 400_000, hardLimitMs: 400_000 });
    const { body: plain } = await post('/v1/tasks/diag.noop', {});
    expect(plain).toMatchObject({ softLimitMs: 240_000, hardLimitMs: 300_000 });
  });

  test('shows who asked a running one to stop, why, how it ended, and since when it is overdue', async () => {
    const id = await submit();
    await lab.lab.sql(
      `UPDATE lovage.task SET cancel_requested_by = 'key:ada', cancel_reason = 'typo', cancel_outcome = 'killed' WHERE id = $1`,
      [id],
    );
    expect((await get(`/v1/tasks/${id}`)).body).toMatchObject({
      cancelRequestedBy: 'key:ada',
      cancelReason: 'typo',
      cancelOutcome: 'killed',
    });
  });

  test.each([
    ['softLimitMs=0', 'softLimitMs'],
    ['hardLimitMs=-5', 'hardLimitMs'],
    ['softLimitMs=soon', 'softLimitMs'],
    ['softLimitMs=2000&hardLimitMs=1000', 'hardLimitMs'],
    ['hardLimitMs=99999999999', 'hardLimitMs'],
  ])('limits that make no sense are refused, and nothing is written: %s', async (query, pointer) => {
    const before = await lab.lab.sql('SELECT count(*) FROM lovage.task');
    const answer = await post(`/v1/tasks/diag.noop?${query}`, {});
    expect(answer).toMatchObject({ status: 422, body: { type: '/problems/validation' } });
    expect(pointers(answer)).toEqual([pointer]);
    const refused = await trpc('tasks.enqueue', { name: 'diag.noop', input: {}, softLimitMs: 0 });
    expect(refused.error.data.problem.code).toBe('validation');
    expect(await lab.lab.sql('SELECT count(*) FROM lovage.task')).toEqual(before);
  });
});

describe('retry', () => {
  test('a final task is queued again with 202; a second time there is nothing to do', async () => {
    const id = await cancelled();
    const first = await post(`/v1/tasks/${id}/retry`);
    expect(first).toMatchObject({ status: 202, body: { id, state: 'queued', outcome: 'queued' } });
    expect(first.body).not.toHaveProperty('input');
    expect(await post(`/v1/tasks/${id}/retry`)).toMatchObject({
      status: 200,
      body: { id, state: 'queued', outcome: 'not_final' },
    });
    const { body: history } = await get(`/v1/tasks/${id}/events`);
    expect(history.items.map(({ type }) => type)).toEqual(['queued', 'cancelled', 'requeued']);
    expect((await trpc('tasks.retry', { id })).result.data).toMatchObject({
      outcome: 'not_final',
      task: { id },
    });
  });

  test('an unknown, a malformed and another tenant’s id are not found', async () => {
    const id = await cancelled();
    const foreign = await lab.keyFor(['enqueue', 'read'], 'acme');
    const answers = [
      await post(`/v1/tasks/${UNKNOWN}/retry`),
      await post('/v1/tasks/nonsense/retry'),
      await post(`/v1/tasks/${id}/retry`, undefined, foreign),
      await get(`/v1/tasks/${id}/explain`, foreign),
      await get(`/v1/tasks/${UNKNOWN}/explain`),
      await get('/v1/tasks/nonsense/explain'),
    ];
    for (const { status, body } of answers)
      expect({ status, type: body.type }).toEqual({ status: 404, type: '/problems/task-not-found' });
    expect(await stateOf(id)).toBe('cancelled');
  });
});

describe('all that match', () => {
  test('are retried over as many calls as they need', async () => {
    const tag = 'retry-pages';
    const ids = [
      await cancelled(`?tags=${tag}`),
      await cancelled(`?tags=${tag}`),
      await cancelled(`?tags=${tag}`),
    ];
    const filter = { tag, state: ['cancelled'], limit: 2 };
    const first = await post('/v1/tasks:retry', filter);
    expect(first).toMatchObject({
      status: 202,
      body: { queued: 2, skipped: 0, nextCursor: expect.any(String) as string },
    });
    const second = await post('/v1/tasks:retry', { ...filter, cursor: first.body.nextCursor });
    expect(second).toMatchObject({ status: 202, body: { queued: 1, nextCursor: null } });
    expect(await Promise.all(ids.map(stateOf))).toEqual(['queued', 'queued', 'queued']);
    expect(await post('/v1/tasks:retry', filter)).toMatchObject({ status: 200, body: { queued: 0 } });
    expect((await trpc('tasks.retryAll', filter)).result.data).toEqual({
      queued: 0,
      skipped: 0,
      nextCursor: null,
    });
  });

  test('are cancelled, and only those', async () => {
    const [here, there] = [await submit('?tags=cancel-me'), await submit('?tags=not-me')];
    const answer = await post('/v1/tasks:cancel', { tag: 'cancel-me', reason: 'spring cleaning' });
    expect(answer).toMatchObject({
      status: 200,
      body: { cancelled: 1, requested: 0, skipped: 0, nextCursor: null },
    });
    expect([await stateOf(here), await stateOf(there)]).toEqual(['cancelled', 'queued']);
    const { body: history } = await get(`/v1/tasks/${here}/events`);
    expect(history.items.at(-1)).toMatchObject({ data: { by: 'key:root', reason: 'spring cleaning' } });
    expect((await trpc('tasks.cancelAll', { tag: 'not-me' })).result.data).toMatchObject({ cancelled: 1 });
  });

  test('another tenant’s are not among them', async () => {
    const id = await submit('?tags=mine');
    const foreign = await lab.keyFor(['cancel', 'enqueue'], 'acme');
    expect((await post('/v1/tasks:cancel', {}, foreign)).body).toMatchObject({ cancelled: 0, requested: 0 });
    expect((await post('/v1/tasks:retry', { state: ['cancelled'] }, foreign)).body).toMatchObject({
      queued: 0,
    });
    expect(await stateOf(id)).toBe('queued');
  });

  test.each([
    ['retry', { state: ['done'] }, '/state/0'],
    ['retry', { state: 'failed' }, '/state'],
    ['retry', { state: ['queued', 'running'] }, '/state'],
    ['retry', { state: [] }, '/state'],
    ['retry', { limit: 0 }, '/limit'],
    ['retry', { limit: 10_001 }, '/limit'],
    ['retry', { cursor: 'nonsense' }, 'cursor'],
    ['retry', { nmae: 'diag.noop' }, '/nmae'],
    ['cancel', { name: 7 }, '/name'],
    ['cancel', { state: ['failed'] }, '/state'],
    ['cancel', { createdAfter: 'yesterday' }, '/createdAfter'],
    ['cancel', { tag: 'a\0b' }, '/tag'],
    ['cancel', [], ''],
  ])(
    'a filter that makes no sense is refused, and nothing is written: %s %j',
    async (verb, body, pointer) => {
      const before = await lab.lab.sql('SELECT count(*) FROM lovage.task_event');
      const answer = await post(`/v1/tasks:${verb}`, body);
      expect(answer).toMatchObject({ status: 422, body: { type: '/problems/validation' } });
      expect(pointers(answer)).toEqual([pointer]);
      expect(await lab.lab.sql('SELECT count(*) FROM lovage.task_event')).toEqual(before);
    },
  );

  test('nobody cancels everything by sending nothing', async () => {
    const id = await submit();
    expect(await post('/v1/tasks:cancel')).toMatchObject({
      status: 400,
      body: { type: '/problems/malformed-json' },
    });
    expect((await get('/v1/tasks:cancel')).status).toBe(405);
    expect((await post('/v1/tasks:cancelled', {})).status).toBe(404);
    expect(await stateOf(id)).toBe('queued');
  });
});

describe('explain', () => {
  test('says why a task waits, over REST and tRPC alike', async () => {
    const id = await submit();
    const { status, body } = await get(`/v1/tasks/${id}/explain`);
    expect(status).toBe(200);
    expect(body).toEqual({
      id,
      state: 'queued',
      reasons: [
        {
          reason: 'no_worker',
          since: (await lab.lab.get(id)).createdAt,
          detail: 'no live worker serves queue "diag"',
        },
        expect.objectContaining({ reason: 'behind' }),
      ],
    });
    const { text } = await get(`/trpc/tasks.explain?input=${encodeURIComponent(JSON.stringify({ id }))}`);
    expect((JSON.parse(text) as Trpc).result.data).toEqual(body);
  });
});

describe('queues', () => {
  test('are listed, shown, paused and resumed', async () => {
    const { body: list } = await get('/v1/queues');
    expect(list).toMatchObject({ nextCursor: null });
    expect(list.items).toContainEqual(
      expect.objectContaining({ name: 'old', paused: null, waiting: 0, waitingIsMore: false, running: 0 }),
    );
    const paused = await post('/v1/queues/old/pause', { reason: 'holiday' });
    expect(paused).toMatchObject({
      status: 200,
      body: { name: 'old', outcome: 'paused', paused: { by: 'key:root', reason: 'holiday' } },
    });
    expect((await post('/v1/queues/old/pause')).body).toMatchObject({ outcome: 'already_paused' });
    expect((await get('/v1/queues/old')).body).toMatchObject({ paused: { reason: 'holiday' } });
    expect((await post('/v1/queues/old/resume')).body).toMatchObject({ outcome: 'resumed', paused: null });
    expect((await post('/v1/queues/old/resume')).body).toMatchObject({ outcome: 'not_paused' });

    expect((await trpc('queues.pause', { name: 'old' })).result.data).toMatchObject({ outcome: 'paused' });
    expect((await trpc('queues.resume', { name: 'old' })).result.data).toMatchObject({ outcome: 'resumed' });
    const { text } = await get('/trpc/queues.list');
    expect((JSON.parse(text) as Trpc).result.data).toMatchObject({
      items: list.items.map(({ name }) => ({ name })),
    });
  });

  test('an unknown one is not found, and a body that does not fit is refused', async () => {
    for (const answer of [
      await get('/v1/queues/nope'),
      await post('/v1/queues/nope/pause'),
      await post('/v1/queues/nope/resume'),
      await get('/v1/queues/no%20pe'),
    ])
      expect(answer).toMatchObject({ status: 404, body: { type: '/problems/queue-not-found' } });
    expect((await trpc('queues.resume', { name: 'nope' })).error.data.problem.code).toBe('queue-not-found');
    const faulty = [{ reason: 7 }, { why: 'x' }, { reason: 'x'.repeat(1001) }, { reason: 'a\0b' }];
    for (const body of faulty) {
      expect(await post('/v1/queues/old/pause', body)).toMatchObject({ status: 422 });
    }
    expect((await get('/v1/queues/old')).body).toMatchObject({ paused: null });
    expect((await get('/problems/queue-not-found')).body).toMatchObject({
      status: 404,
      title: 'No such queue',
    });
  });
});

test('each verb asks for its scope', async () => {
  const id = await cancelled();
  const [reader, enqueuer, canceller] = [
    await lab.keyFor(['read']),
    await lab.keyFor(['enqueue']),
    await lab.keyFor(['cancel']),
  ];
  const forbidden = [
    await post(`/v1/tasks/${id}/retry`, undefined, reader),
    await post('/v1/tasks:retry', {}, canceller),
    await post('/v1/tasks:cancel', {}, enqueuer),
    await get(`/v1/tasks/${id}/explain`, enqueuer),
    await get('/v1/queues', canceller),
    await post('/v1/queues/old/pause', undefined, reader),
    await post('/v1/queues/old/resume', undefined, enqueuer),
  ];
  expect(forbidden.map(({ status }) => status)).toEqual(forbidden.map(() => 403));
  expect(await stateOf(id)).toBe('cancelled');
  const allowed = [
    await get(`/v1/tasks/${id}/explain`, reader),
    await get('/v1/queues', reader),
    await post('/v1/tasks:cancel', { tag: 'nobody' }, canceller),
    await post('/v1/tasks:retry', { tag: 'nobody' }, enqueuer),
  ];
  expect(allowed.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
});
