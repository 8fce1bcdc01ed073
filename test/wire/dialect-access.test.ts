import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi } from '../../src/api/server.ts';
import { createAuthenticator } from '../../src/keys/authenticate.ts';
import { until } from '../lab.ts';
import { Line } from '../line.ts';
import { openShop, serveShop, type Shop } from '../api/dialect-lab.ts';
import { ROOT_KEY, serve } from '../api/http-lab.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop[Symbol.asyncDispose]());

const body = { image: 'cat' };
const UNKNOWN = '00000000-0000-7000-8000-000000000000';

async function linkOf(key: string, ms = 60_000): Promise<string> {
  const { body: signed } = await shop.callOwn('GET', `/images/7/link?ms=${ms}`, { key });
  return signed.url;
}

test('a signed link opens its path for its tenant without a key, under the prefix and at the root, until it expires', async () => {
  const key = await shop.http.keyFor(['read'], 'acme');
  const url = await linkOf(key);
  expect(url).toMatch(/^\/images\/7\/file\?size=1&link=/);
  for (const answer of [
    await shop.callOwn('GET', url, { key: null }),
    await shop.call('GET', url, { key: null }),
  ]) {
    expect(answer.status).toBe(200);
    const { headers } = answer;
    expect(headers.get('x-image')).toBe('acme 7 {"size":"1"}');
    expect(headers.get('content-type')).toBe('image/png');
    expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    const [, seconds] = /^private, max-age=(\d+)$/.exec(headers.get('cache-control') ?? '') ?? [];
    expect(Number(seconds)).toBeLessThanOrEqual(60);
    expect(Number(seconds)).toBeGreaterThan(50);
  }
  expect(await shop.callOwn('GET', await linkOf(key, 0), { key: null })).toMatchObject({
    status: 403,
    body: { wrong: 'This link has expired' },
  });
});

test('a link that was changed, of another path or of another pack opens nothing', async () => {
  const url = await linkOf(ROOT_KEY);
  const link = new URLSearchParams(url.split('?')[1]).get('link') ?? '';
  const [endsAt = '', , signature = ''] = link.split('.');
  const forged = [
    url.replace('/images/7/', '/images/8/'),
    url.replace('size=1', 'size=2'),
    `${url}&more=1`,
    `${url}x`,
    `/images/7/file?size=1&link=`,
    `/images/7/file?size=1&link=${endsAt}.${Buffer.from('acme').toString('base64url')}.${signature}`,
    `/images/7/file?size=1&link=${Number(endsAt) + 1}.${link.split('.')[1]}.${signature}`,
  ];
  for (const path of forged) {
    expect.soft(await shop.callOwn('GET', path, { key: null }), path).toMatchObject({ status: 403 });
  }
  expect(await shop.http.call('GET', `/stall${url}`, { key: null })).toMatchObject({ status: 403 });
  expect((await shop.callOwn('GET', '/images/7/file', { key: null })).status).toBe(401);
  expect((await shop.callOwn('GET', '/images/7/file')).headers.get('cache-control')).toBe('no-store');
  expect((await shop.callOwn('GET', `/items?link=${link}`, { key: null })).status).toBe(401);
});

test('without LOVAGE_SECRET there are no links', async () => {
  await using bare = await serveShop(shop.http, { port: 0 }, { secret: undefined });
  expect((await bare.call('GET', '/images/7/link')).status).toBe(501);
});

test('keys come in the dialect’s own header, as Bearer and as X-API-Key', async () => {
  for (const [name, value] of [
    ['x-shop-key', ROOT_KEY],
    ['x-api-key', ROOT_KEY],
    ['authorization', `Bearer ${ROOT_KEY}`],
  ] as const) {
    const headers = { [name]: value };
    expect((await shop.callOwn('GET', '/items', { key: null, headers })).status).toBe(200);
  }
  expect(await shop.callOwn('GET', '/items', { key: null })).toMatchObject({
    status: 401,
    body: { wrong: expect.stringContaining('x-shop-key') },
  });
});

test('an open mount needs no key: what comes without one is of the tenant default, and reaches no other', async () => {
  await using open = await serveShop(shop.http, { port: 0, open: true });
  const key = await shop.http.keyFor(['enqueue', 'read'], 'acme');
  const { body: theirs } = await shop.call('POST', '/paint', { key, body });
  for (const at of [open.call, open.callOwn]) {
    const { status, body: own } = await at('POST', '/paint', { key: null, body });
    expect(status).toBe(202);
    expect((await at('GET', `/tasks/${own.id}`, { key: null })).status).toBe(200);
    expect((await at('DELETE', `/tasks/${own.id}`, { key: null })).status).toBe(200);
    expect((await at('GET', '/items', { key: null })).body).toMatchObject({ tenant: 'default' });
    expect((await at('GET', '/items', { key })).body).toMatchObject({ tenant: 'acme' });
    expect((await at('GET', '/items', { key: 'nonsense' })).status).toBe(401);
    for (const method of ['GET', 'DELETE']) {
      expect((await at(method, `/tasks/${theirs.id}`, { key: null })).status).toBe(404);
    }
  }
  expect((await open.server.call('GET', '/v1/tasks', { key: null })).status).toBe(401);
  expect((await shop.http.lab.get(theirs.id).catch(() => undefined)) ?? 'another tenant’s').toBe(
    'another tenant’s',
  );
});

test('an operator’s variable opens the routes that name it to whoever knows an id, of whatever tenant', async () => {
  const key = await shop.http.keyFor(['enqueue', 'read'], 'acme');
  const { body: sent } = await shop.call('POST', '/paint', { key, body });
  const path = `/public/tasks/${sent.id}`;
  expect((await shop.call('GET', path, { key: null })).status).toBe(401);
  process.env['SHOP_OPEN_TASKS'] = '1';
  await using opened = await serveShop(shop.http, {});
  delete process.env['SHOP_OPEN_TASKS'];
  expect(await opened.call('GET', path, { key: null })).toMatchObject({
    status: 200,
    body: { state: 'PENDING' },
  });
  expect((await opened.call('GET', `/tasks/${sent.id}`, { key: null })).status).toBe(401);
  expect((await opened.call('GET', `/public/tasks/${UNKNOWN}`, { key: null })).status).toBe(404);
  expect((await opened.call('GET', '/public/tasks/x', { key: null })).status).toBe(404);
  const { body: other } = await opened.server.call('POST', '/v1/tasks/diag.noop', { body: {} });
  expect((await opened.call('GET', `/public/tasks/${other.id}`, { key: null })).status).toBe(404);
  expect(await opened.call('DELETE', path, { key: null })).toMatchObject({ body: { state: 'REVOKED' } });
});

test('another tenant’s task is unknown to every route that names one', async () => {
  const key = await shop.http.keyFor(['enqueue', 'read', 'cancel'], 'acme');
  const { body: sent } = await shop.call('POST', '/paint', { body });
  for (const [method, path] of [
    ['GET', '/tasks'],
    ['GET', '/jobs'],
    ['GET', '/paintings'],
    ['DELETE', '/tasks'],
  ] as const) {
    expect((await shop.callOwn(method, `${path}/${sent.id}`, { key })).status).toBe(404);
  }
  expect(await shop.http.lab.get(sent.id)).toMatchObject({ state: 'queued' });
});

/** Fetch sets the Host by itself. */
async function ask(url: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  const sent = request(url, { headers: { 'x-shop-key': ROOT_KEY, ...headers } });
  const answered = new Promise<{ status: number; text: string }>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (answer) => {
      text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, text: body }), reject);
    });
  });
  sent.end();
  return answered;
}

test('a host name of its own shows the dialect alone; everybody else’s word on the host is not taken', async () => {
  await using named = await serveShop(shop.http, { host: 'shop.example.com' });
  const { url } = named.server.api;
  for (const host of ['shop.example.com', 'SHOP.example.com:80', 'shop.example.com.']) {
    expect(await ask(`${url}/items`, { host })).toMatchObject({ status: 200 });
    expect(await ask(`${url}/healthz`, { host })).toMatchObject({ status: 200 });
    for (const path of ['/v1/tasks', '/trpc/tasks.list', '/docs', '/shop/items']) {
      expect(await ask(`${url}${path}`, { host })).toMatchObject({
        status: 404,
        text: expect.stringContaining('"wrong"'),
      });
    }
  }
  const spoofed = { host: 'lovage.example.com', 'x-forwarded-host': 'shop.example.com' };
  expect(await ask(`${url}/items`, spoofed)).toMatchObject({ status: 404 });
  expect(await ask(`${url}/v1/queues`, { ...spoofed, 'x-api-key': ROOT_KEY })).toMatchObject({ status: 200 });

  await using behind = await serveShop(shop.http, { host: 'shop.example.com' }, { trustedProxies: 1 });
  expect(await ask(`${behind.server.api.url}/items`, spoofed)).toMatchObject({ status: 200 });
  const appended = { ...spoofed, 'x-forwarded-host': 'shop.example.com, lovage.example.com' };
  expect(await ask(`${behind.server.api.url}/items`, appended)).toMatchObject({ status: 404 });
});

test('at a port of its own a dialect answers alone, and refuses in its own words', async () => {
  for (const path of ['/nowhere', '/v1/tasks', '/shop/items', '/docs']) {
    expect(await shop.callOwn('GET', path)).toMatchObject({
      status: 404,
      body: { wrong: expect.any(String) },
    });
  }
  expect(await shop.callOwn('PUT', '/items')).toMatchObject({
    status: 405,
    body: { wrong: expect.any(String) },
  });
  expect((await shop.callOwn('GET', '/readyz', { key: null })).status).toBe(200);
  const headers = { 'x-large': 'x'.repeat(17_000) };
  expect((await shop.callOwn('GET', '/items', { headers })).status).toBe(431);
  expect((await shop.callOwn('OPTIONS', '/items', { key: null })).headers.get('allow')).toBe(
    'GET, HEAD, POST, OPTIONS',
  );
});

test('while Postgres is away every route is 503 in the dialect’s words, and well again by itself', async () => {
  const line = new Line();
  const postgres = new URL(shop.http.lab.url);
  await line.open(postgres);
  await using server = await serve(line.through(postgres), undefined, shop.http.lovage.config);
  const url = await linkOf(ROOT_KEY);
  expect((await server.call('GET', '/shop/rows', { key: null })).status).toBe(200);
  await line.cut();
  for (const [method, path, options] of [
    ['POST', '/paint', { body }],
    ['GET', `/tasks/${UNKNOWN}`, {}],
    ['DELETE', `/tasks/${UNKNOWN}`, {}],
    ['GET', '/rows', { key: null }],
    ['GET', '/items', { key: 'a-key-that-must-be-looked-up' }],
  ] as const) {
    const answer = await server.call(method, `/shop${path}`, options);
    expect(answer).toMatchObject({ status: 503, body: { wrong: expect.any(String) } });
    expect(answer.headers.get('retry-after')).not.toBeNull();
  }
  expect((await server.call('GET', '/shop', { key: null })).status).toBe(200);
  expect((await server.call('GET', `/shop${url}`, { key: null })).status).toBe(200);
  await line.open(postgres);
  await until(
    () => server.call('POST', '/shop/paint', { body }),
    ({ status }) => status === 202,
  );
  await line.cut();
});

test('a pack’s port that is in use ends the start: it says which variable to set, and nothing is left open', async () => {
  const { lovage } = shop.http;
  const taken = Number(new URL(shop.own).port);
  const start = (port: number) =>
    startApi({
      lovage,
      authenticator: createAuthenticator(lovage.pool, ROOT_KEY),
      settings: { host: '127.0.0.1', port: free, maxBodyBytes: 1_000 },
      mounts: new Map([['shop', { port }]]),
      version: 'test',
    });
  await using other = await serveShop(shop.http, {});
  const { port: free } = other.server.api;
  await other.server.api.close(0);
  await expect(start(taken)).rejects.toThrow(
    `port ${taken} is in use on 127.0.0.1; set LOVAGE_SHOP_PORT to another one`,
  );
  await expect(start(free)).rejects.toThrow(`port ${free} is in use`);
  const api = await start(0);
  await api.close(0);
});
