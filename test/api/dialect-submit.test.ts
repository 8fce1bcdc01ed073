import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../lab.ts';
import { openShop, type Shop } from './dialect-lab.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop[Symbol.asyncDispose]());

const body = { image: 'cat' };
const count = async () => (await shop.http.lab.sql('SELECT id FROM lovage.task')).length;

test('a submit answers with links that follow the mount by which the caller came', async () => {
  const under = await shop.call('POST', '/paint', { body });
  expect(under).toMatchObject({ status: 202, body: { url: `/shop/tasks/${under.body.id}` } });
  expect(under.headers.get('location')).toBe(under.body.url);
  const own = await shop.callOwn('POST', '/paint', { body });
  expect(own).toMatchObject({
    status: 202,
    body: { url: `/tasks/${own.body.id}`, socket: `/ws/tasks/${own.body.id}` },
  });
  expect((await shop.callOwn('GET', own.body.url)).body).toEqual((await shop.call('GET', own.body.url)).body);
});

test('a route answers under its other paths as well', async () => {
  const { body: sent } = await shop.call('POST', '/old/paint', { body });
  const jobs = await shop.call('GET', `/jobs/${sent.id}`);
  expect(jobs).toMatchObject({ status: 200, body: { id: sent.id, state: 'PENDING' } });
  expect(jobs.body).toEqual((await shop.call('GET', `/tasks/${sent.id}`)).body);
});

test('the root of a dialect is its prefix, and the root of a port of its own', async () => {
  expect(await shop.call('GET', '/', { key: null })).toMatchObject({ status: 200, body: 'open' });
  expect(await (await fetch(`${shop.http.api.url}/shop/`)).json()).toBe('open');
  expect(await shop.callOwn('GET', '/', { key: 'nonsense' })).toMatchObject({ status: 200, body: 'open' });
});

test('what refuses answers in place of a task, and is asked only of an input that fits by a key that may enqueue', async () => {
  const before = await count();
  const key = await shop.http.keyFor(['enqueue'], 'acme');
  const refused = await shop.call('POST', '/paint', { key, body: { image: 'missing' } });
  expect(refused).toMatchObject({ status: 404, body: { wrong: 'acme has no missing' } });
  const headers = { 'x-refuse': 'yes' };
  expect(await shop.call('POST', '/paint', { body: { image: '' }, headers })).toMatchObject({
    status: 422,
    body: { at: ['/image'] },
  });
  const reader = await shop.http.keyFor(['read']);
  expect((await shop.call('POST', '/paint', { key: reader, body, headers })).status).toBe(403);
  expect(await count()).toBe(before);
});

test('a GET without a body starts a task of its path and query, and always waits', async () => {
  await shop.http.work();
  const answer = await shop.callOwn('GET', '/paint/cat/now?steps=3');
  expect(answer).toMatchObject({ status: 200, body: { image: 'cat', by: 'default', steps: 3, next: '/' } });
  expect((await shop.call('GET', '/paint/cat/now')).body).toMatchObject({ steps: 2, next: '/shop' });
  expect(await shop.call('GET', '/paint/cat/now?steps=10')).toMatchObject({
    status: 422,
    body: { at: ['steps'] },
  });
  expect(await shop.call('POST', '/paint?wait=true', { body: { image: 'torn' } })).toMatchObject({
    status: 500,
    body: { wrong: 'the image is torn' },
  });
});

test('a status shows what a task started, in the order in which it did, to its own tenant', async () => {
  const key = await shop.http.keyFor(['enqueue', 'read'], 'acme');
  const { body: sent } = await shop.call('POST', '/hang', { key });
  const shown = await until(
    () => shop.call('GET', `/tasks/${sent.id}`, { key }),
    ({ body: seen }) => seen['state'] === 'SUCCESS',
  );
  expect(shown.body['parts']).toEqual([
    ['paint a', 'SUCCESS'],
    ['paint b', 'SUCCESS'],
    ['paint c', 'SUCCESS'],
  ]);
  expect((await shop.call('GET', `/tasks/${sent.id}`)).status).toBe(404);
});

test('a status of one definition knows no task of another', async () => {
  const { body: sent } = await shop.call('POST', '/hang', { body: { names: 'a' } });
  expect((await shop.call('GET', `/tasks/${sent.id}`)).status).toBe(200);
  expect((await shop.call('GET', `/paintings/${sent.id}`)).status).toBe(404);
});
