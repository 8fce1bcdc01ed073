import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { revokeKey } from '../../src/keys/revoke.ts';
import { until } from '../lab.ts';
import { openShop, serveShop, type Shop } from '../api/dialect-lab.ts';
import { OPERATOR, ROOT_KEY } from '../api/http-lab.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop[Symbol.asyncDispose]());

const UNKNOWN = '00000000-0000-7000-8000-000000000000';

interface Message {
  type: string;
  state: string;
  progress: number | null;
  result?: unknown;
}

/** A client that keeps what it is told. */
function listen(url: string, headers: Record<string, string> = { 'x-shop-key': ROOT_KEY }) {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers });
  const messages: Message[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close').then(([code]) => code as number);
  return { socket, messages, closed, has: (count: number) => until(() => messages.length >= count) };
}

const start = async (input: object, key = ROOT_KEY) =>
  (await shop.callOwn('POST', '/paint', { key, body: { image: 'cat', ...input } })).body.id;

test('a socket tells how a task fares at once, when something changes, and its end, at every mount', async () => {
  const id = await start({ steps: 3 });
  const clients = [listen(`${shop.own}/ws/tasks/${id}`), listen(`${shop.http.api.url}/shop/ws/tasks/${id}`)];
  for (const { has, messages } of clients) {
    await has(1);
    expect(messages[0]).toEqual({ type: 'status', id, state: 'PENDING', progress: null });
  }
  await shop.http.work();
  for (const { closed, messages } of clients) {
    expect(await closed).toBe(1000);
    expect(messages.at(-1)).toEqual({
      type: 'complete',
      id,
      state: 'SUCCESS',
      progress: 3,
      result: { image: 'cat', by: 'default' },
    });
    expect(messages.slice(0, -1).every(({ type }) => type === 'status')).toBe(true);
    expect(messages.at(-2)).toMatchObject({ type: 'status', state: 'SUCCESS' });
  }
});

test('of a task that is over it tells so and closes', async () => {
  const id = await start({ image: 'torn' });
  await shop.http.lab.final(id);
  const { closed, messages } = listen(`${shop.own}/ws/tasks/${id}`);
  expect(await closed).toBe(1000);
  expect(messages).toMatchObject([
    { type: 'status', state: 'FAILURE' },
    { type: 'complete', state: 'FAILURE', result: null },
  ]);
});

test('it tells again every so often, though nothing changes', async () => {
  const id = await start({ holds: true });
  const { has, messages, closed } = listen(`${shop.own}/ws/ticks/${id}`);
  await until(() => messages.filter(({ state }) => state === 'STARTED').length >= 5);
  await has(6);
  await shop.callOwn('DELETE', `/tasks/${id}`);
  expect(await closed).toBe(1000);
  expect(messages.at(-1)).toMatchObject({ type: 'complete', state: 'REVOKED' });
});

test('who may not listen is told so in the dialect’s words and closed with 4000 and the status', async () => {
  const acme = await shop.http.keyFor(['read'], 'acme');
  const writer = await shop.http.keyFor(['enqueue']);
  const id = await start({ holds: true });
  const { body: other } = await shop.http.call('POST', '/v1/tasks/diag.noop', { body: {} });
  for (const [path, headers, code] of [
    [`/ws/tasks/${id}`, {}, 4401],
    [`/ws/tasks/${id}`, { 'x-shop-key': 'nonsense' }, 4401],
    [`/ws/tasks/${id}?ticket=forged`, {}, 4401],
    [`/ws/tasks/${id}`, { 'x-shop-key': writer }, 4403],
    [`/ws/tasks/${id}`, { 'x-shop-key': acme }, 4404],
    [`/ws/tasks/${other.id}`, { 'x-shop-key': ROOT_KEY }, 4404],
    [`/ws/tasks/${UNKNOWN}`, { 'x-shop-key': ROOT_KEY }, 4404],
    ['/ws/tasks/nonsense', { 'x-shop-key': ROOT_KEY }, 4404],
  ] as const) {
    const { closed, messages } = listen(`${shop.own}${path}`, headers);
    expect(await closed).toBe(code);
    expect(messages).toEqual([{ type: 'error', message: expect.any(String) }]);
  }
  await shop.callOwn('DELETE', `/tasks/${id}`);
});

test('a ticket opens a socket for who cannot send headers', async () => {
  const id = await start({ holds: true });
  const { body } = await shop.http.call('POST', '/v1/stream-tickets', {
    key: await shop.http.keyFor(['read']),
  });
  const { ticket } = body as unknown as { ticket: string };
  const { has, socket } = listen(`${shop.own}/ws/tasks/${id}?ticket=${ticket}`, {});
  await has(1);
  socket.close();
  await shop.callOwn('DELETE', `/tasks/${id}`);
});

test('a socket is closed with 4401 when its key is revoked', async () => {
  const key = await shop.http.keyFor(['read', 'enqueue']);
  const id = await start({ holds: true });
  const { has, closed, messages } = listen(`${shop.own}/ws/tasks/${id}`, { 'x-shop-key': key });
  await has(1);
  const [row] = await shop.http.lab.sql<{ id: string }>(
    'SELECT id FROM lovage.api_key ORDER BY created_at DESC LIMIT 1',
  );
  await revokeKey(shop.http.lovage.pool, OPERATOR, row?.id ?? '');
  expect(await closed).toBe(4401);
  expect(messages.at(-1)).toMatchObject({ type: 'error' });
  await shop.callOwn('DELETE', `/tasks/${id}`);
});

test('a variable opens the socket that names it to whoever knows an id, and an open mount to the tenant default', async () => {
  const key = await shop.http.keyFor(['enqueue', 'read', 'cancel'], 'acme');
  const theirs = await start({ holds: true }, key);
  process.env['SHOP_OPEN_TASKS'] = '1';
  await using open = await serveShop(shop.http, { port: 0, open: true });
  delete process.env['SHOP_OPEN_TASKS'];
  const known = listen(`${open.own}/public/ws/tasks/${theirs}`, {});
  await known.has(1);
  expect(known.messages[0]).toMatchObject({ id: theirs });
  known.socket.close();
  expect(await listen(`${open.own}/ws/tasks/${theirs}`, {}).closed).toBe(4404);
  const ours = await start({ holds: true });
  const own = listen(`${open.own}/ws/tasks/${ours}`, {});
  await own.has(1);
  await open.server.api.close(0);
  expect(await own.closed).toBe(1001);
  await shop.callOwn('DELETE', `/tasks/${ours}`);
  await shop.callOwn('DELETE', `/tasks/${theirs}`, { key });
});

test('what asks for an upgrade elsewhere, wrongly, or breaks the protocol harms nobody', async () => {
  const { hostname, port, host } = new URL(shop.own);
  const id = await start({ holds: true });
  const upgrade = (path: string, version = '13') =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: ${version}\r\n` +
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nX-Shop-Key: ${ROOT_KEY}\r\n\r\n`;
  for (const [text, answer] of [
    [upgrade('/trpc'), /^HTTP\/1\.1 404/],
    [upgrade('/nowhere'), /^HTTP\/1\.1 404/],
    [upgrade('//['), /^HTTP\/1\.1 4/],
    [upgrade('http://[/x'), /^HTTP\/1\.1 4/],
    [upgrade(`/ws/tasks/${id}`, '99'), /^HTTP\/1\.1 4/],
    [upgrade(`/ws/tasks/%ff`), /^HTTP\/1\.1 101/],
    [upgrade(`/ws/tasks/${id}`) + '\xff\xff\xff\xff', /^HTTP\/1\.1 101/],
  ] as const) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(text, 'latin1');
    const [data] = await once(socket, 'data');
    expect.soft(String(data)).toMatch(answer);
    socket.resetAndDestroy();
  }
  const talker = listen(`${shop.own}/ws/tasks/${id}`);
  await talker.has(1);
  talker.socket.send(Buffer.alloc(100_000));
  expect(await talker.closed).toBe(1009);
  expect((await shop.callOwn('GET', `/ws/tasks/${id}`)).status).toBe(404);
  expect((await shop.callOwn('GET', '/', { key: null })).status).toBe(200);
  await until(() => shop.http.lovage.events.size === 0);
});
