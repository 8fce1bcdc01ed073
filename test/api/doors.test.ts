import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi } from '../../src/api/server.ts';
import { SetupError } from '../../src/errors.ts';
import { type HttpLab, openHttpLab, ROOT_KEY } from './http-lab.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

test.each([
  '/healthz',
  '/readyz',
  '/docs',
  '/docs/standalone.js',
  '/v1/openapi.json',
  '/problems/validation',
  '/old/ready',
])('%s is open', async (path) => {
  expect((await lab.call('GET', path, { key: null })).status).toBe(200);
});

test.each(['/v1/tasks', '/v1/nothing', '/trpc/tasks.list', '/old/tasks/1'])(
  '%s needs a key',
  async (path) => {
    for (const key of [null, 'an-unknown-key-of-some-length']) {
      const answer = await lab.call('GET', path, { key });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  },
);

test('a key comes as a bearer token, as X-API-Key, or in the header of a dialect', async () => {
  const status = async (headers: Record<string, string>, path = '/v1/tasks') =>
    (await lab.call('GET', path, { key: null, headers })).status;
  expect(await status({ authorization: `bearer ${ROOT_KEY}` })).toBe(200);
  expect(await status({ 'x-api-key': ROOT_KEY })).toBe(200);
  expect(await status({ 'x-access-token': ROOT_KEY })).toBe(401);
  expect(await status({ 'x-access-token': ROOT_KEY }, '/old/tasks/1')).toBe(404);
});

test('a key may only do what its scopes say', async () => {
  const [enqueuer, reader] = [await lab.keyFor(['enqueue']), await lab.keyFor(['read'])];
  const submit = (key: string, query = '') =>
    lab.call('POST', `/v1/tasks/diag.noop${query}`, { body: {}, key });
  const accepted = await submit(enqueuer);
  expect(accepted).toMatchObject({ status: 202, body: { createdBy: 'key:enqueue' } });
  const path = `/v1/tasks/${accepted.body.id}`;

  expect(await submit(reader)).toMatchObject({ status: 403, body: { type: '/problems/forbidden' } });
  expect((await lab.call('GET', path, { key: reader })).status).toBe(200);
  for (const part of ['', '/result', '/events', '/attempts']) {
    expect((await lab.call('GET', path + part, { key: enqueuer })).status).toBe(403);
  }
  expect((await lab.call('POST', `${path}/cancel`, { key: reader })).status).toBe(403);
});

test('a key that may not read cannot wait for a result either, and nothing is written', async () => {
  const key = await lab.keyFor(['enqueue']);
  const answer = await lab.call('POST', '/v1/tasks/diag.noop?async=false&tags=unread', { body: {}, key });
  expect(answer.status).toBe(403);
  expect((await lab.call('GET', '/v1/tasks?tag=unread')).body.items).toEqual([]);
});

test('a key sees the tasks of its own tenant only', async () => {
  const { body } = await lab.call('POST', '/v1/tasks/diag.noop', { body: {} });
  const stranger = await lab.keyFor(['admin'], 'elsewhere');
  expect((await lab.call('GET', `/v1/tasks/${body.id}`, { key: stranger })).status).toBe(404);
  expect((await lab.call('POST', `/v1/tasks/${body.id}/cancel`, { key: stranger })).status).toBe(404);
  expect((await lab.call('GET', '/v1/tasks', { key: stranger })).body.items).toEqual([]);
});

test('a path that does not exist is a problem, and so is a method that it does not take', async () => {
  expect(await lab.call('GET', '/nowhere')).toMatchObject({
    status: 404,
    body: { type: '/problems/not-found' },
  });
  const wrong = await lab.call('PUT', '/v1/tasks/diag.echo');
  expect(wrong).toMatchObject({ status: 405, body: { type: '/problems/method-not-allowed' } });
  expect(wrong.headers.get('allow')).toBe('GET, HEAD, POST, DELETE, OPTIONS');
});

test('OPTIONS says what a path takes; HEAD is GET without the body', async () => {
  const options = await lab.call('OPTIONS', '/v1/tasks', { key: null });
  expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
  expect(await lab.call('HEAD', '/v1/tasks')).toMatchObject({ status: 200, text: '' });
});

test('a request id that makes sense is kept, another is replaced', async () => {
  const idFor = async (id: string) =>
    (await lab.call('GET', '/healthz', { headers: { 'x-request-id': id } })).headers.get('x-request-id');
  expect(await idFor('my-request.1')).toBe('my-request.1');
  expect(await idFor('a b <script>')).toMatch(/^[0-9a-f-]{36}$/);
});

test('a port in use is one clear line', async () => {
  const settings = { host: '127.0.0.1', port: lab.api.port, maxBodyBytes: 1000 };
  const authenticator = { authenticate: () => Promise.resolve(null), vouchFor: () => Promise.resolve(null) };
  const second = startApi({ lovage: lab.lovage, authenticator, settings, version: 'test' });
  await expect(second).rejects.toThrow(SetupError);
  await expect(second).rejects.toThrow(/^port \d+ is in use on 127\.0\.0\.1/);
});
