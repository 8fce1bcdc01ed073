import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AppRouter } from '../../src/client/index.ts';
import { createSecret } from '../../src/secret.ts';
import { createKey } from '../../src/keys/create.ts';
import { revokeKey } from '../../src/keys/revoke.ts';
import { issueTicket, readTicket } from '../../src/keys/ticket.ts';
import { openHttpLab, OPERATOR, ROOT_KEY, serve, type HttpLab } from '../api/http-lab.ts';
import { follow, untilBlock } from './sse.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const issue = async (key = ROOT_KEY) =>
  (await lab.call('POST', '/v1/stream-tickets', { key })) as unknown as {
    status: number;
    body: { ticket: string; expiresAt: string };
  };

test('a ticket opens its caller’s streams without a key, on any node, for a minute', async () => {
  await using other = await serve(lab.lab.url);
  const { status, body } = await issue();
  expect(status).toBe(201);
  const leftMs = Date.parse(body.expiresAt) - Date.now();
  expect(leftMs).toBeGreaterThan(50_000);
  expect(leftMs).toBeLessThanOrEqual(60_000);
  const task = (await lab.call('POST', '/v1/tasks/diag.noop', { body: {} })).body;
  await using one = await follow(`${other.api.url}/v1/tasks/${task.id}/stream?ticket=${body.ticket}`);
  await untilBlock(one, 'queued');
  await using many = await follow(`${lab.api.url}/v1/stream?ticket=${body.ticket}`);
  expect([one.status, many.status]).toEqual([200, 200]);
});

test('a ticket sees its own tenant’s tasks only', async () => {
  const { body } = await issue(await lab.keyFor(['read'], 'elsewhere'));
  const task = (await lab.call('POST', '/v1/tasks/diag.noop', { body: {} })).body;
  const path = `/v1/tasks/${task.id}/stream?ticket=${body.ticket}`;
  expect((await lab.call('GET', path, { key: null })).status).toBe(404);
});

test('a ticket opens streams and nothing else', async () => {
  const { body } = await issue();
  const task = (await lab.call('POST', '/v1/tasks/diag.noop', { body: {} })).body;
  const input = encodeURIComponent(JSON.stringify({ id: task.id }));
  for (const [method, path] of [
    ['GET', `/v1/tasks?ticket=${body.ticket}`],
    ['GET', `/v1/tasks/${task.id}?ticket=${body.ticket}`],
    ['POST', `/v1/tasks/${task.id}/cancel?ticket=${body.ticket}`],
    ['POST', `/v1/stream-tickets?ticket=${body.ticket}`],
    ['GET', `/trpc/tasks.get?input=${input}&ticket=${body.ticket}`],
  ] as const)
    expect((await lab.call(method, path, { key: null })).status).toBe(401);
  expect((await lab.call('GET', '/v1/tasks', { key: body.ticket })).status).toBe(401);
});

test('a ticket opens nothing else over a WebSocket either, not even another ticket', async () => {
  const { body } = await issue();
  const client = createWSClient({
    url: `${lab.api.url.replace('http', 'ws')}/trpc?ticket=${body.ticket}`,
  });
  const trpc = createTRPCClient<AppRouter>({ links: [wsLink({ client })] });
  const refused = { data: { problem: { code: 'forbidden' } } };
  await expect(trpc.tasks.list.query({})).rejects.toMatchObject(refused);
  await expect(trpc.tasks.ticket.mutate()).rejects.toMatchObject(refused);
  await client.close();
});

test('a ticket is worth no more than its key: revoked, it opens nothing and its streams end', async () => {
  const { id, key } = await createKey(lab.lovage.pool, OPERATOR, { name: 'brief', scopes: ['read'] });
  const { body } = await issue(key);
  const url = `/v1/stream?ticket=${body.ticket}`;
  await using stream = await follow(lab.api.url + url);
  expect(stream.status).toBe(200);
  await revokeKey(lab.lovage.pool, OPERATOR, id);
  await untilBlock(stream, 'error');
  expect((await lab.call('GET', url, { key: null })).status).toBe(401);
});

test('only a key that may read gets a ticket', async () => {
  expect((await issue(await lab.keyFor(['enqueue']))).status).toBe(403);
});

test('a ticket that is forged, changed, or past its minute is refused', async () => {
  const lovage = { secret: createSecret('one secret of twenty characters') };
  const others = { secret: createSecret('another secret, as long as that') };
  const caller = { tenant: 'mine', actor: 'key:me' };
  const { ticket } = issueTicket(lovage, caller);
  expect(readTicket(lovage, ticket)).toEqual({ ...caller, scopes: new Set(['read']), isTicket: true });
  const [body = '', signature] = ticket.split('.');
  const richer = Buffer.from(Buffer.from(body, 'base64url').toString().replace('mine', 'ours')).toString(
    'base64url',
  );
  for (const bad of ['', '.', 'x.y', `${richer}.${signature}`, `${ticket}.${ticket}`])
    expect(() => readTicket(lovage, bad)).toThrow(/none of ours/);
  expect(() => readTicket(others, ticket)).toThrow(/none of ours/);
  expect(() => readTicket(lovage, ticket, Date.now() + 60_001)).toThrow(/minute is over/);
  const answer = await lab.call('GET', `/v1/stream?ticket=${ticket}`, { key: null });
  expect(answer).toMatchObject({ status: 401, body: { type: '/problems/unauthorized' } });
});

test('without LOVAGE_SECRET there are no tickets, and that is said', async () => {
  expect(() => issueTicket({ secret: createSecret(undefined) }, { tenant: 'a', actor: 'b' })).toThrow(
    /LOVAGE_SECRET/,
  );
});
