import { connect } from 'node:net';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAX_IMAGE_BYTES } from '../fixtures/shop/resources.ts';
import { openShop, type Shop } from './dialect-lab.ts';
import { MAX_BODY_BYTES, ROOT_KEY } from './http-lab.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop[Symbol.asyncDispose]());

const form = (size: number, fields: Record<string, string> = {}, field = 'file'): FormData => {
  const sent = new FormData();
  sent.append(field, new File([new Uint8Array(size)], 'face.png', { type: 'image/png' }));
  for (const [name, value] of Object.entries(fields)) sent.append(name, value);
  return sent;
};

test('a resource gets its query as the schema parses it, and says whose rows it may show', async () => {
  const key = await shop.http.keyFor(['read'], 'acme');
  expect((await shop.call('GET', '/items?limit=20&tag=a&tag=b', { key })).body).toEqual({
    limit: 20,
    tag: ['a', 'b'],
    tenant: 'acme',
  });
  expect((await shop.call('GET', '/items')).body).toEqual({ limit: 10, tag: [], tenant: 'default' });
});

test('a query that does not fit is a validation by the name of the parameter', async () => {
  for (const query of ['limit=51', 'limit=x', 'limit=1&limit=2', 'limit=', 'tag=%00']) {
    const [name] = query.split('=');
    expect(await shop.call('GET', `/items?${query}`)).toMatchObject({ status: 422, body: { at: [name] } });
  }
});

test('a body that does not fit is a validation with a pointer per fault, and one that is none is 400', async () => {
  expect(await shop.call('POST', '/items', { body: { name: 'jar', price: 2 } })).toMatchObject({
    status: 201,
    body: { name: 'jar', price: 2 },
  });
  const faulty = await shop.call('POST', '/items', { body: { name: 'x'.repeat(21), price: -1, more: 1 } });
  expect(faulty).toMatchObject({ status: 422, body: { at: ['/name', '/price', '/more'] } });
  expect(await shop.call('POST', '/items', { body: '{"name":"\\u0000","price":1}' })).toMatchObject({
    status: 422,
    body: { at: ['/name'] },
  });
  expect((await shop.call('POST', '/items')).status).toBe(422);
  expect((await shop.call('POST', '/items', { body: '{"name"' })).status).toBe(400);
  const long = { name: 'x'.repeat(MAX_BODY_BYTES), price: 1 };
  expect((await shop.call('POST', '/items', { body: long })).status).toBe(413);
});

test('reading takes the scope read, writing enqueue, and a route may ask for another', async () => {
  const reader = await shop.http.keyFor(['read']);
  const writer = await shop.http.keyFor(['enqueue']);
  const canceller = await shop.http.keyFor(['cancel']);
  const body = { name: 'jar', price: 2 };
  const calls = [
    ['GET', '/items', {}, reader, writer],
    ['POST', '/items', { body }, writer, reader],
    ['DELETE', '/items/1', {}, canceller, writer],
  ] as const;
  for (const [method, path, options, holder, other] of calls) {
    expect((await shop.call(method, path, { ...options, key: holder })).status).toBeLessThan(300);
    const refused = await shop.call(method, path, { ...options, key: other });
    expect(refused).toMatchObject({ status: 403, body: { wrong: expect.any(String) } });
    expect(refused.headers.get('x-shop')).toBe('sorry');
  }
});

test('a path that holds NUL names nothing', async () => {
  for (const path of ['/items/a%00b', '/%00']) expect((await shop.call('DELETE', path)).status).toBe(404);
});

test('204 brings no body', async () => {
  expect(await shop.call('DELETE', '/items/1')).toMatchObject({ status: 204, text: '' });
});

test('an upload comes as bytes with the fields beside it, also where it is longer than other bodies may be', async () => {
  expect(MAX_IMAGE_BYTES).toBeGreaterThan(MAX_BODY_BYTES);
  const sent = await shop.call('POST', '/images', { body: form(MAX_IMAGE_BYTES, { title: 'me' }) });
  expect(sent).toMatchObject({
    status: 201,
    body: { title: 'me', name: 'face.png', type: 'image/png', size: MAX_IMAGE_BYTES },
  });
});

test('a file over the limit is 413, a form without it the pack’s own matter, and a faulty field a validation', async () => {
  const post = (body: unknown, headers = {}) => shop.call('POST', '/images', { body, headers });
  expect((await post(form(MAX_IMAGE_BYTES + 1))).status).toBe(413);
  expect((await post(form(10 * MAX_IMAGE_BYTES))).status).toBe(413);
  expect(await post(form(1, {}, 'other'))).toMatchObject({ status: 400, body: { wrong: 'no file' } });
  expect(await post(form(1, { title: 'x'.repeat(11) }))).toMatchObject({
    status: 422,
    body: { at: ['/title'] },
  });
  expect(await post(form(1, { title: '\0' }))).toMatchObject({ status: 422, body: { at: ['/title'] } });
  expect((await post({ file: 'x' })).status).toBe(400);
  expect((await post('nothing', { 'content-type': 'multipart/form-data; boundary=x' })).status).toBe(400);
  expect((await post('nothing', { 'content-type': 'multipart/form-data' })).status).toBe(400);
});

test('an upload without a length is cut off at its limit: what comes after is not read', async () => {
  const { hostname, port } = new URL(shop.own);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(
    `POST /images HTTP/1.1\r\nHost: x\r\nX-Shop-Key: ${ROOT_KEY}\r\nTransfer-Encoding: chunked\r\n` +
      'Content-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n\r\n',
  );
  const chunk = Buffer.alloc(64 * 1024);
  const answered = once(socket, 'data').then(([data]) => String(data));
  let sent = 0;
  // Nothing waits for the end of this body: it has none.
  socket.on('error', () => undefined);
  for (; sent < 4 * MAX_IMAGE_BYTES && socket.writable; sent += chunk.length) {
    socket.write(`${chunk.length.toString(16)}\r\n`);
    socket.write(chunk);
    socket.write('\r\n');
  }
  expect(await answered).toMatch(/^HTTP\/1\.1 413 /);
  socket.destroy();
});

test('a stream is sent as it is, with the headers that its answer sets', async () => {
  const { text: csv, headers } = await shop.call('GET', '/decks/my%20deck.csv');
  expect(csv).toBe('name\nmy deck\n');
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-type': 'text/csv',
    'content-disposition': 'attachment; filename="deck.csv"',
    'cache-control': 'max-age=5',
    'x-frame-options': 'SAMEORIGIN',
    'x-content-type-options': 'nosniff',
  });
  const head = await shop.call('HEAD', '/decks/a.csv');
  expect(head).toMatchObject({ status: 200, text: '' });
  expect((await shop.call('GET', '/decks/a.pdf')).status).toBe(404);
});

test('a resource reads tables and a vault, here for anybody', async () => {
  for (const key of [null, ROOT_KEY]) {
    expect(await shop.callOwn('GET', '/rows', { key })).toMatchObject({
      status: 200,
      body: { one: 1, tenant: 'default', kept: 'policy 7' },
    });
  }
});

test('a stream of an answer is not read into memory before it is sent', async () => {
  const response = await fetch(`${shop.own}/decks/x.csv`, { headers: { 'x-shop-key': ROOT_KEY } });
  expect(await text(response.body ?? new ReadableStream())).toBe('name\nx\n');
  expect(response.headers.get('content-length')).toBeNull();
});
