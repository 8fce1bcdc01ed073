import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import type { AcceptedBatchView } from '../../src/wire/batches.ts';
import type { Body } from '../api/http-lab.ts';
import { openHttpLab, pointers, ROOT_KEY, serve, type Answer, type HttpLab } from '../api/http-lab.ts';
import type { config } from '../api/fixture.ts';
import { until } from '../lab.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

type Sent = Omit<Answer, 'body'> & { body: Body & AcceptedBatchView };
const submit = (body: unknown, key?: string) =>
  lab.call('POST', '/v1/tasks:batch', { body, ...(key === undefined ? {} : { key }) }) as Promise<Sent>;
const show = (path: string, key?: string) =>
  lab.call('GET', path, key === undefined ? {} : { key }) as Promise<Sent>;
const echo = (value: unknown, more: object = {}) => ({ name: 'diag.echo', input: { value }, ...more });
const followUp = { field: 'then' } as const;
const followedBy = (name: string, input?: unknown) => ({ [followUp.field]: { name, input } });
const followUpOf = async (id: string) =>
  (
    await lab.lab.sql<{ follow_up_id: string }>('SELECT follow_up_id FROM lovage.batch WHERE id = $1', [id])
  )[0]?.follow_up_id;
const countTasks = async () =>
  (await lab.lab.sql<{ n: number }>('SELECT count(*)::int AS n FROM lovage.task'))[0]?.n;

describe('without a worker', () => {
  test('a batch is accepted whole: 202, its state and counts, the ids of its tasks in order', async () => {
    const values = Array.from({ length: 1_000 }, (_, n) => n);
    const answer = await submit({ tasks: values.map((value) => echo(value)), label: 'nightly' });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      label: 'nightly',
      state: 'running',
      total: 1_000,
      counts: { queued: 1_000, succeeded: 0 },
      finishedAt: null,
      thenTaskId: null,
      statusUrl: `/v1/batches/${answer.body.id}`,
    });
    expect(answer.headers.get('location')).toBe(answer.body.statusUrl);
    const rows = await lab.lab.sql<{ id: string; value: number; batch_id: string }>(
      `SELECT id, (input -> 'value')::int AS value, batch_id FROM lovage.task WHERE batch_id = $1 ORDER BY id`,
      [answer.body.id],
    );
    expect(rows.map(({ value }) => value)).toEqual(values);
    expect(answer.body.taskIds).toEqual(rows.map(({ id }) => id));
    expect(await lab.lab.violations()).toEqual([]);
    await lab.call('POST', `/v1/batches/${answer.body.id}/cancel`);
  });

  test('one bad task refuses all of them, with a pointer to each fault', async () => {
    const before = await countTasks();
    const bad = {
      tasks: [
        echo(1),
        { name: 'diag.sleep', input: { ms: -1 } },
        { name: 'no.such', input: {} },
        echo(2, { softLimitMs: 10, hardLimitMs: 5 }),
        echo(3, { delayMs: 1, runAt: '2030-01-01T00:00:00Z' }),
        { name: 'old.analyze', input: { ticker: 'x', year: 1, extra: true } },
      ],
      callback: { url: 'ftp://example.com' },
      ...followedBy('diag.sleep', 1),
    };
    const answer = await submit(bad);
    expect(answer).toMatchObject({ status: 422, body: { type: '/problems/validation' } });
    expect(pointers(answer)).toEqual([
      '/tasks/1/input/ms',
      '/tasks/2/name',
      '/tasks/3/hardLimitMs',
      '/tasks/4/runAt',
      '/tasks/5/input/ticker',
      '/tasks/5/input/year',
      '/tasks/5/input/extra',
      '/then/name',
      '/then/name',
      '/then/input',
      '/callback/url',
    ]);
    expect(await countTasks()).toBe(before);
    expect(
      await lab.lab.sql(
        'SELECT id FROM lovage.batch WHERE finished_at IS NULL AND cancel_requested_at IS NULL',
      ),
    ).toEqual([]);
  });

  test.each([
    ['no tasks', { tasks: [] }, '/tasks'],
    ['too many', { tasks: Array.from({ length: 1_001 }, () => echo(1)) }, '/tasks'],
    ['a name with a slip', { tasks: [echo(1, { prioritty: 1 })] }, '/tasks/0/prioritty'],
    ['NUL in an input', { tasks: [echo(1), echo('a\0b')] }, '/tasks/1/input/value'],
    ['nothing', {}, '/tasks'],
  ])('%s: 422', async (_what, body, pointer) => {
    const answer = await submit(body);
    expect(answer.status).toBe(422);
    expect(pointers(answer)).toContain(pointer);
  });

  test('a callback with a secret needs LOVAGE_SECRET, and one without does not', async () => {
    await using bare = await serve(lab.lab.url, undefined, undefined, { secret: undefined });
    const secret = `whsec_${Buffer.alloc(24).toString('base64')}`;
    const refused = await bare.call('POST', '/v1/tasks:batch', {
      body: { tasks: [echo(1)], callback: { url: 'https://example.com', secret } },
    });
    expect(refused).toMatchObject({ status: 501, body: { type: '/problems/not-configured' } });
    const bad = await submit({ tasks: [echo(1)], callback: { url: 'ftp://example.com', secret: 'x' } });
    expect(bad).toMatchObject({ status: 422, body: { errors: [{ pointer: '/callback/url' }] } });
    const { body } = await submit({ tasks: [echo(1)], callback: { url: 'https://example.com/hook' } });
    expect(await lab.lab.sql('SELECT callback FROM lovage.batch WHERE id = $1', [body.id])).toEqual([
      { callback: { url: 'https://example.com/hook' } },
    ]);
    await lab.call('POST', `/v1/batches/${body.id}/cancel`);
  });

  test('a callback is kept with its secret encrypted, and shown to nobody', async () => {
    const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
    const { body, text } = await submit({
      tasks: [echo(1)],
      callback: { url: 'https://example.com/hook', secret },
    });
    const [row] = await lab.lab.sql<{ callback: { url: string; secret: string } }>(
      'SELECT callback FROM lovage.batch WHERE id = $1',
      [body.id],
    );
    expect(row?.callback.url).toBe('https://example.com/hook');
    expect(JSON.stringify(row)).not.toContain(secret.slice(6));
    expect(text + (await show(`/v1/batches/${body.id}`)).text).not.toContain('example.com');
    await lab.call('POST', `/v1/batches/${body.id}/cancel`);
  });

  test('under one idempotency key there is one batch, however often it is sent', async () => {
    const body = { tasks: [echo(1), echo(2)], label: 'twice' };
    const send = (sent: unknown) =>
      lab.call('POST', '/v1/tasks:batch', { body: sent, headers: { 'idempotency-key': 'batch-1' } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(body)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    const [first] = answers.filter(({ headers }) => headers.get('idempotency-replayed') === null);
    expect(answers.filter(({ body: { replayed } }) => replayed)).toHaveLength(19);
    for (const answer of answers) {
      expect(answer.body).toMatchObject({ id: first?.body.id, taskIds: first?.body.taskIds, label: 'twice' });
    }
    expect(await send({ ...body, label: 'other' })).toMatchObject({
      status: 422,
      body: { type: '/problems/idempotency-key-reused' },
    });
    const made = await lab.lab.sql("SELECT FROM lovage.batch WHERE label IN ('twice', 'other')");
    expect(made).toHaveLength(1);
    await lab.call('POST', `/v1/batches/${first?.body.id}/cancel`);
  });

  test('a batch is seen by its own tenant only, and by who may read', async () => {
    const { body } = await submit({ tasks: [echo(1)] });
    const other = await lab.keyFor(['admin'], 'other');
    for (const path of ['', '/tasks'])
      expect((await show(`/v1/batches/${body.id}${path}`, other)).status).toBe(404);
    expect((await lab.call('POST', `/v1/batches/${body.id}/cancel`, { key: other })).status).toBe(404);
    expect((await show('/v1/batches', other)).body.items).toEqual([]);
    const reader = await lab.keyFor(['read']);
    expect((await submit({ tasks: [echo(1)] }, reader)).status).toBe(403);
    expect((await lab.call('POST', `/v1/batches/${body.id}/cancel`, { key: reader })).status).toBe(403);
    expect((await show('/v1/batches/not-an-id')).body).toMatchObject({ type: '/problems/batch-not-found' });
    await lab.call('POST', `/v1/batches/${body.id}/cancel`);
  });

  test('batches are listed, the newest first, in pages', async () => {
    for (const label of ['a', 'b', 'c']) await submit({ tasks: [echo(1, { delayMs: 60_000 })], label });
    const first = await show('/v1/batches?limit=2');
    expect(first.body.items).toMatchObject([
      { label: 'c', counts: { scheduled: 1, queued: 0 } },
      { label: 'b' },
    ]);
    const second = await show(`/v1/batches?limit=1&cursor=${first.body.nextCursor}`);
    expect(second.body.items).toMatchObject([{ label: 'a' }]);
    const rest = (await show('/v1/batches?limit=3')).body.items;
    for (const { id } of rest) await lab.call('POST', `/v1/batches/${id}/cancel`);
  });

  test('a cancelled batch ends its tasks, starts nothing after them, and cancelling again changes nothing', async () => {
    const collect = followedBy('family.collect', { unit: 'cm' });
    const { body: batch } = await submit({ tasks: [echo(1), echo(2)], ...collect });
    const cancelled = await lab.call('POST', `/v1/batches/${batch.id}/cancel`, {
      body: { reason: 'wrong day' },
    });
    expect(cancelled).toMatchObject({
      status: 200,
      body: { outcome: 'cancelled', state: 'cancelling', counts: { cancelled: 2 } },
    });
    expect((await show(`/v1/batches/${batch.id}/tasks`)).body.items).toMatchObject([
      { state: 'cancelled' },
      { state: 'cancelled' },
    ]);
    const [, why] = (await show(`/v1/tasks/${batch.taskIds[0]}/events`)).body.items;
    expect(why).toMatchObject({ type: 'cancelled', data: { reason: 'wrong day' } });
    expect(await followUpOf(batch.id)).toBeNull();
    expect((await lab.call('POST', `/v1/batches/${batch.id}/cancel`)).status).toBe(200);
    expect(await lab.lab.violations()).toEqual([]);
  });

  test('what comes after a batch needs no input of its own', async () => {
    const answer = await submit({ tasks: [echo(1)], ...followedBy('diag.noop') });
    expect(answer.status).toBe(202);
    await lab.call('POST', `/v1/batches/${answer.body.id}/cancel`);
  });

  test('a cancel that comes while a batch finishes says that it was too late', async () => {
    const { body } = await submit({ tasks: [echo(1)], ...followedBy('diag.noop', null) });
    await lab.call('POST', `/v1/tasks/${body.taskIds[0]}/cancel`);
    const client = await lab.lovage.pool.connect();
    await client.query('BEGIN');
    await client.query('SELECT lovage.follow_up(10000)');
    const cancel = lab.call('POST', `/v1/batches/${body.id}/cancel`);
    await until(
      async () =>
        (
          await lab.lab.sql(
            `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%cancel_batch%'`,
          )
        ).length > 0,
    );
    await client.query('COMMIT');
    client.release();
    expect((await cancel).body).toMatchObject({ outcome: 'already_finished', state: 'finished' });
    expect(await followUpOf(body.id)).toEqual(expect.any(String));
  });
});

describe('with a worker', () => {
  beforeAll(() => lab.work());

  test('a caller waits for its end, then reads the result of each task in order', async () => {
    const { body } = await submit({
      tasks: [
        echo('a'),
        { name: 'old.analyze', input: { ticker: 'A', year: 2000, note: 'fail' } },
        echo('c'),
      ],
    });
    const done = await lab.call('GET', `/v1/batches/${body.id}`, { headers: { prefer: 'wait=20' } });
    expect(done.headers.get('preference-applied')).toBe('wait=20');
    expect(done.body).toMatchObject({ state: 'finished', counts: { succeeded: 2, failed: 1, queued: 0 } });
    const first = await show(`/v1/batches/${body.id}/tasks?include=result&limit=2`);
    expect(first.body.items).toMatchObject([
      { id: body.taskIds[0], batchId: body.id, result: { value: 'a' } },
      { state: 'failed', result: null, error: { message: 'no such filing' } },
    ]);
    const second = await show(`/v1/batches/${body.id}/tasks?limit=2&cursor=${first.body.nextCursor}`);
    expect(second.body.items).toHaveLength(1);
    expect(second.body.items[0]).not.toHaveProperty('result');
    expect((await lab.call('POST', `/v1/batches/${body.id}/cancel`)).body.outcome).toBe('already_finished');
  });

  test('the task after it gets the results in the order of the tasks, once, and its own input', async () => {
    const { body } = await submit({
      tasks: [
        { name: 'family.child', input: { value: 2, ms: 60 } },
        { name: 'family.child', input: { value: 1, fail: true } },
        { name: 'family.child', input: { value: 4 } },
      ],
      ...followedBy('family.collect', { unit: 'cm' }),
    });
    const { body: done } = await show(`/v1/batches/${body.id}?wait=20`);
    expect(done).toMatchObject({ state: 'finished', total: 3, counts: { succeeded: 2, failed: 1 } });
    const { body: after } = await show(`/v1/tasks/${done.thenTaskId}?wait=20`);
    expect(after).toMatchObject({
      name: 'family.collect',
      batchId: body.id,
      createdBy: 'key:root',
      result: { text: 'succeeded 4 cm, failed no_value, succeeded 8 cm' },
      input: { batchId: body.id, input: { unit: 'cm' } },
    });
    expect((await show(`/v1/batches/${body.id}/tasks`)).body.items.map(({ id }) => id)).toEqual(body.taskIds);
    expect((await show(`/v1/batches/${body.id}`)).body).toMatchObject({
      total: 3,
      counts: { succeeded: 2, failed: 1 },
    });
    expect(await lab.lab.violations()).toEqual([]);
  });

  test('a task retried after the end of its batch does not open it again', async () => {
    const { body } = await submit({ tasks: [{ name: 'family.child', input: { value: 1, fail: true } }] });
    await show(`/v1/batches/${body.id}?wait=20`);
    await lab.call('POST', `/v1/tasks/${body.taskIds[0]}/retry`);
    await show(`/v1/tasks/${body.taskIds[0]}?wait=20`);
    const { body: after } = await show(`/v1/batches/${body.id}`);
    expect(after).toMatchObject({ state: 'finished', counts: { failed: 1 } });
    expect(await lab.lab.sql('SELECT FROM lovage.task_event WHERE task_id = $1', [body.id])).toHaveLength(1);
  });

  test('its end is told once', async () => {
    const { body } = await submit({ tasks: [echo(1), echo(2), echo(3)] });
    await show(`/v1/batches/${body.id}?wait=20`);
    expect(
      await lab.lab.sql('SELECT number, type, data FROM lovage.task_event WHERE task_id = $1', [body.id]),
    ).toEqual([{ number: 1, type: 'batch_finished', data: { counts: { succeeded: 3 } } }]);
    expect(await lab.lab.violations()).toEqual([]);
  });

  test('cancelling asks the running ones to stop: 202, and it finishes when they have', async () => {
    const { body } = await submit({
      tasks: [{ name: 'diag.sleep', input: { ms: 60_000 } }, echo(1, { delayMs: 60_000 })],
    });
    await until(
      () => lab.lab.get(body.taskIds[0] ?? ''),
      ({ state }) => state === 'running',
    );
    const answer = await lab.call('POST', `/v1/batches/${body.id}/cancel`);
    expect(answer).toMatchObject({ status: 202, body: { outcome: 'requested', state: 'cancelling' } });
    expect((await show(`/v1/batches/${body.id}?wait=20`)).body).toMatchObject({
      state: 'finished',
      counts: { cancelled: 2 },
      thenTaskId: null,
    });
  });

  test('the typed client speaks of batches too', async () => {
    const { trpc } = createClient<typeof config>({ url: lab.api.url, apiKey: ROOT_KEY });
    const made = await trpc.batches.create.mutate({
      tasks: [{ name: 'diag.echo', input: { value: 1 } }],
      label: 'typed',
    });
    expect(await trpc.batches.wait.query({ id: made.id, timeoutMs: 20_000 })).toMatchObject({
      state: 'finished',
    });
    const { items } = await trpc.batches.tasks.query({ id: made.id, include: ['result'] });
    expect(items[0]?.result).toEqual({ value: 1 });
    expect((await trpc.batches.get.query({ id: made.id })).label).toBe('typed');
    expect((await trpc.batches.list.query({ limit: 1 })).items).toHaveLength(1);
    expect(await trpc.batches.cancel.mutate({ id: made.id })).toMatchObject({ outcome: 'already_finished' });
    await expect(
      // @ts-expect-error: no definition has this name
      trpc.batches.create.mutate({ tasks: [{ name: 'no.such', input: {} }] }),
    ).rejects.toMatchObject({ data: { problem: { code: 'validation' } } });
  });
});
