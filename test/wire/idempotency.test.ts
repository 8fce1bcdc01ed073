import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { sweepKeyBatch } from '../../src/queue/sweep-keys.ts';
import { idempotencyKeyOf, takeIdempotencyKey } from '../../src/tasks/idempotency.ts';
import { openHttpLab, pointers, ROOT_KEY, serve, type HttpLab, type Server } from '../api/http-lab.ts';
import { until } from '../lab.ts';
import { inTransaction } from '../transaction.ts';
import config from './once.config.ts';

let lab: HttpLab;
let other: Server;
beforeAll(async () => {
  lab = await openHttpLab(new URL('./once.config.ts', import.meta.url).pathname);
  other = await serve(lab.lab.url, undefined, config);
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

const submit = (
  idempotencyKey: string,
  value: unknown,
  { query = '', key = ROOT_KEY, node = lab }: { query?: string; key?: string; node?: Server } = {},
) =>
  node.call('POST', `/v1/tasks/diag.echo${query}`, {
    body: { value },
    headers: { 'idempotency-key': idempotencyKey },
    key,
  });
const count = async (tag: string): Promise<number> =>
  (
    await lab.lab.sql<{ n: number }>('SELECT count(*)::int AS n FROM lovage.task WHERE tags @> ARRAY[$1]', [
      tag,
    ])
  )[0]?.n ?? 0;
const expire = (key: string) =>
  lab.lab.sql("UPDATE lovage.idempotency_key SET expires_at = now() - interval '1 s' WHERE key = $1", [key]);

describe('the same request under the same key', () => {
  test('is answered with the first task, as it is now, and makes no second one', async () => {
    const first = await submit('a-1', { x: 1, y: [2] }, { query: '?tags=a-1' });
    expect(first).toMatchObject({ status: 202 });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(first.body).not.toHaveProperty('replayed');

    const again = await submit('a-1', { y: [2], x: 1 }, { query: '?tags=a-1' });
    expect(again).toMatchObject({
      status: 202,
      body: { id: first.body.id, state: 'queued', replayed: true },
    });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get('location')).toBe(`/v1/tasks/${first.body.id}`);
    expect(again.body).not.toHaveProperty('input');

    await lab.call('POST', `/v1/tasks/${first.body.id}/cancel`);
    const late = await submit('a-1', { x: 1, y: [2] }, { query: '?tags=a-1' });
    expect(late).toMatchObject({ status: 200, body: { id: first.body.id, state: 'cancelled' } });
    expect(await count('a-1')).toBe(1);
  });

  test('sent fifty times at once to two nodes makes exactly one task, which all of them get', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        submit('twins', 'once', { query: '?tags=twins', node: n % 2 ? lab : other }),
      ),
    );
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.every(({ status }) => status === 202)).toBe(true);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    expect(await count('twins')).toBe(1);
  });

  test('may wait where the first one did not', async () => {
    const { body } = await submit('waits', 1);
    const waiting = submit('waits', 1, { query: '?async=false' });
    await until(
      () => lab.lovage.finals.size,
      (size) => size > 0,
    );
    await lab.call('POST', `/v1/tasks/${body.id}/cancel`);
    const answer = await waiting;
    expect(answer).toMatchObject({ status: 200, body: { id: body.id, state: 'cancelled', replayed: true } });
    expect(answer.headers.get('idempotency-replayed')).toBe('true');
  });

  test('over tRPC is marked in the task', async () => {
    const client = createClient<typeof config>({ url: lab.api.url, apiKey: ROOT_KEY });
    const options = { idempotencyKey: 'typed' };
    const first = await client.enqueue('diag.echo', { value: 1 }, options);
    expect(first.replayed).toBeUndefined();
    expect(await client.enqueue('diag.echo', { value: 1 }, options)).toMatchObject({
      id: first.id,
      replayed: true,
    });
    await expect(client.enqueue('diag.echo', { value: 2 }, options)).rejects.toMatchObject({
      code: 'idempotency-key-reused',
      status: 422,
    });
  });

  test('after its time makes a new task, which the key then stands for', async () => {
    const { body: first } = await submit('old', 1);
    await expire('old');
    const { body: second } = await submit('old', 2);
    expect(second.id).not.toBe(first.id);
    expect((await submit('old', 2)).body).toMatchObject({ id: second.id, replayed: true });
    const [kept] = await lab.lab.sql(
      "SELECT count(*)::int AS n, max(extract(epoch FROM expires_at - now()))::int AS s FROM lovage.idempotency_key WHERE key = 'old'",
    );
    expect(kept).toEqual({ n: 1, s: expect.closeTo(86_400, -2) });
  });

  test('runs nothing again where its task was removed: 409', async () => {
    const { body } = await submit('removed', 1);
    await lab.call('POST', `/v1/tasks/${body.id}/cancel`);
    await lab.lab.sql('DELETE FROM lovage.task WHERE id = $1', [body.id]);
    await lab.lab.sql('DELETE FROM lovage.task_event WHERE task_id = $1', [body.id]);
    expect(await submit('removed', 1)).toMatchObject({ status: 409, body: { type: '/problems/conflict' } });
  });

  test('shows what came of it only to a key that may read', async () => {
    const key = await lab.keyFor(['enqueue']);
    const { body } = await submit('blind', 'secret', { key });
    await lab.call('POST', `/v1/tasks/${body.id}/cancel`);
    const again = await submit('blind', 'secret', { key });
    expect(again).toMatchObject({ status: 200, body: { id: body.id, state: 'cancelled' } });
    expect(again.body).not.toHaveProperty('result');
    expect(again.text).not.toContain('secret');
  });
});

describe('a key', () => {
  test.each([
    ['another input', 2, ''],
    ['another option', 1, '?priority=5'],
  ])('with %s is refused and nothing is written', async (what, value, query) => {
    await submit(what, 1);
    const before = await lab.lab.sql('SELECT id FROM lovage.task');
    expect(await submit(what, value, { query })).toMatchObject({
      status: 422,
      body: { type: '/problems/idempotency-key-reused' },
    });
    expect(await lab.lab.sql('SELECT id FROM lovage.task')).toHaveLength(before.length);
  });

  test('is its owner’s alone: others, and other tenants, have their own of the same name', async () => {
    const keys = [
      ROOT_KEY,
      await lab.keyFor(['enqueue', 'read']),
      await lab.keyFor(['enqueue', 'read'], 'acme'),
    ];
    const ids = new Set<string>();
    for (const [value, key] of keys.entries()) {
      const { status, body } = await submit('same-name', value, { key });
      expect(status).toBe(202);
      ids.add(body.id);
    }
    expect(ids.size).toBe(3);
  });

  test.each([
    ['empty', ''],
    ['too long', 'x'.repeat(256)],
    ['not ASCII', 'clé'],
    ['a tab', 'a\tb'],
  ])('that is no key is refused: %s', async (_what, key) => {
    const answer = await submit(key, 1);
    expect(answer).toMatchObject({ status: 422, body: { type: '/problems/validation' } });
    expect(pointers(answer)).toEqual(['idempotency-key']);
  });

  test('that comes twice is refused', async () => {
    const sent = request(`${lab.api.url}/v1/tasks/diag.noop`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ROOT_KEY}`, 'Idempotency-Key': ['one', 'two'] },
    }).end('{}');
    const [answer] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }];
    answer.resume();
    expect(answer.statusCode).toBe(422);
  });

  test('of a request that is refused stays free', async () => {
    const path = '/v1/tasks/diag.sleep';
    const headers = { 'idempotency-key': 'second-try' };
    expect((await lab.call('POST', path, { body: { ms: -1 }, headers })).status).toBe(422);
    expect((await lab.call('POST', path, { body: { ms: 1 }, headers })).status).toBe(202);
  });

  test('can be taken for a batch, in the transaction that makes it', async () => {
    const { pool } = lab.lovage;
    const key = idempotencyKeyOf(lab.lovage, lab.lab.caller, 'batch', { tasks: [1, 2] });
    const batchId = '0197b6f0-0000-7000-8000-000000000001';
    const take = (id: string, of = key) =>
      inTransaction(pool, (tx) => takeIdempotencyKey(tx, lab.lab.caller, of, { batchId: id }));
    const undone = inTransaction(pool, async (tx) => {
      await takeIdempotencyKey(tx, lab.lab.caller, key, { batchId });
      throw new Error('not made after all');
    });
    await expect(undone).rejects.toThrow('not made after all');
    expect(await take(batchId)).toEqual({ isReplay: false });
    expect(await take('0197b6f0-0000-7000-8000-000000000002')).toEqual({
      isReplay: true,
      taskId: null,
      batchId,
    });
    const reused = idempotencyKeyOf(lab.lovage, lab.lab.caller, 'batch', { tasks: [1] });
    await expect(take(batchId, reused)).rejects.toMatchObject({ code: 'idempotency-key-reused' });
  });
});

test('keys whose time is over are removed a batch at a time, and others stay', async () => {
  const keys = ['s-1', 's-2', 's-3', 's-4', 's-5'];
  for (const key of keys) await submit(key, 1);
  for (const key of keys.slice(1)) await expire(key);
  const sweep = async () => (await sweepKeyBatch(lab.lovage.pool, null, 3)).swept;
  expect([await sweep(), await sweep(), await sweep()]).toEqual([3, 1, 0]);
  const left = await lab.lab.sql("SELECT key FROM lovage.idempotency_key WHERE key LIKE 's-_'");
  expect(left).toEqual([{ key: 's-1' }]);
});
