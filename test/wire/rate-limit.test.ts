import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AppRouter } from '../../src/client/index.ts';
import { createKey } from '../../src/keys/create.ts';
import { type Answer, type HttpLab, openHttpLab, OPERATOR, serve, type Server } from '../api/http-lab.ts';

let lab: HttpLab;
let nodes: Server[];
beforeAll(async () => {
  lab = await openHttpLab();
  nodes = [lab, await serve(lab.lab.url)];
});
afterAll(async () => {
  await nodes[1]?.[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

const limited = async (limit: number, periodMs: number) =>
  await createKey(lab.lovage.pool, OPERATOR, {
    name: 'hasty',
    scopes: ['read', 'enqueue'],
    rate: { limit, periodMs },
  });
const count = (answers: readonly Answer[], status: number) =>
  answers.filter((answer) => answer.status === status).length;
const limitOf = ({ headers }: Answer) =>
  /r=(\d+);t=(\d+)/
    .exec(headers.get('ratelimit') ?? '')
    ?.slice(1)
    .map(Number);
/** As if so much time had passed since the key was last used. */
const age = (id: string, ms: number) =>
  lab.lab.sql('UPDATE lovage.key_rate SET slot = slot - floor($2 / (period_ms / 60.0)) WHERE key_id = $1', [
    id,
    ms,
  ]);

test('of fifty calls at once on two nodes exactly as many pass as the key may make', async () => {
  const { key } = await limited(17, 60_000);
  const given = await Promise.all(
    nodes.flatMap((node) => Array.from({ length: 25 }, () => node.call('GET', '/v1/tasks', { key }))),
  );
  expect([count(given, 200), count(given, 429)]).toEqual([17, 33]);
  const left = given.filter(({ status }) => status === 200).map((answer) => limitOf(answer)?.[0] ?? -1);
  expect(left.toSorted((a, b) => b - a)).toEqual(Array.from({ length: 17 }, (_, n) => 16 - n));
});

test('every answer says how much is left and of how much; a refused one when to come again', async () => {
  const { key } = await limited(2, 90_000);
  const [first, , third] = [
    await lab.call('GET', '/v1/tasks', { key }),
    await lab.call('GET', '/v1/tasks/no-such-task', { key }),
    await lab.call('POST', '/v1/tasks/diag.noop', { key, body: {} }),
  ];
  expect(first.headers.get('ratelimit-policy')).toBe('"default";q=2;w=90');
  expect(first.headers.get('ratelimit')).toMatch(/^"default";r=1;t=\d+$/);
  expect(third).toMatchObject({ status: 429, body: { type: '/problems/rate-limited', status: 429 } });
  expect(third.headers.get('ratelimit')).toMatch(/^"default";r=0;t=\d+$/);
  const retryAfter = Number(third.headers.get('retry-after'));
  expect(retryAfter).toBeGreaterThan(80);
  expect(retryAfter).toBeLessThanOrEqual(92);
  expect(limitOf(third)?.[1]).toBe(retryAfter);
});

test('a refused call starts nothing, and costs nothing', async () => {
  const { key, id } = await limited(1, 60_000);
  const submit = () => lab.call('POST', '/v1/tasks/diag.noop', { key, body: {} });
  const tasks = async () => (await lab.lab.sql('SELECT FROM lovage.task')).length;
  expect((await submit()).status).toBe(202);
  const before = await tasks();
  for (let n = 0; n < 5; n += 1) expect((await submit()).status).toBe(429);
  expect(await tasks()).toBe(before);
  await age(id, 61_100);
  expect((await submit()).status).toBe(202);
});

test('never more pass in any period than the key may make: what was used late counts late', async () => {
  const { key, id } = await limited(10, 60_000);
  const burst = async () =>
    count(await Promise.all(Array.from({ length: 12 }, () => lab.call('GET', '/v1/tasks', { key }))), 200);
  const use = async (times: number) => {
    for (let n = 0; n < times; n += 1) await lab.call('GET', '/v1/tasks', { key });
  };
  await use(4);
  await age(id, 30_000);
  expect(await burst()).toBe(6);
  await age(id, 29_000);
  expect(await burst()).toBe(0);
  await age(id, 2_100);
  expect(await burst()).toBe(4);
  await age(id, 30_000);
  expect(await burst()).toBe(6);
});

test('a tRPC batch costs as many calls as it holds, all or none', async () => {
  const { key } = await limited(5, 60_000);
  const batch = (calls: number) =>
    lab.call('GET', `/trpc/${Array(calls).fill('tasks.list').join(',')}?batch=1&input=%7B%7D`, { key });
  const three = await batch(3);
  expect([three.status, limitOf(three)?.[0]]).toEqual([200, 2]);
  const refused = await batch(3);
  expect([refused.status, limitOf(refused)?.[0]]).toEqual([429, 2]);
  expect(JSON.parse(refused.text)).toMatchObject({
    error: { data: { code: 'TOO_MANY_REQUESTS', httpStatus: 429, problem: { code: 'rate-limited' } } },
  });
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  expect((await batch(2)).status).toBe(200);
  expect(await batch(6)).toMatchObject({
    status: 429,
    text: expect.stringContaining('more than the 5') as string,
  });
});

test('a key without a limit is told of none', async () => {
  const key = await lab.keyFor(['read']);
  const { headers } = await lab.call('GET', '/v1/tasks', { key });
  expect([headers.get('ratelimit'), headers.get('ratelimit-policy')]).toEqual([null, null]);
});

test('a limit that is lowered counts what was used before', async () => {
  const { key, id } = await limited(10, 60_000);
  for (let n = 0; n < 5; n += 1) await lab.call('GET', '/v1/tasks', { key });
  const [taken] = await lab.lab.sql('SELECT * FROM lovage.take_quota($1, 4, 60000, 1)', [id]);
  expect(taken).toMatchObject({ allowed: false, remaining: 0 });
});

test('over a WebSocket each message counts, and its changes say from where they came', async () => {
  const { key } = await limited(3, 60_000);
  const socket = createWSClient({
    url: `${lab.api.url.replace('http', 'ws')}/trpc`,
    connectionParams: { apiKey: key },
  });
  const trpc = createTRPCClient<AppRouter>({ links: [wsLink({ client: socket })] });
  const made = await trpc.tasks.enqueue.mutate({ name: 'diag.noop', input: {} });
  await trpc.tasks.get.query({ id: made.id });
  await trpc.tasks.get.query({ id: made.id });
  await expect(trpc.tasks.get.query({ id: made.id })).rejects.toMatchObject({
    data: { problem: { code: 'rate-limited' } },
  });
  expect(await lab.call('GET', '/v1/tasks', { key })).toMatchObject({ status: 429 });
  await socket.close();
  const [row] = await lab.lab.sql('SELECT ip, request_id FROM lovage.v_audit WHERE target = $1', [made.id]);
  expect(row).toMatchObject({
    ip: '127.0.0.1',
    request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
  });
});
