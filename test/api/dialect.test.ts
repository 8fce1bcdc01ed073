import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpLab, openHttpLab, ROOT_KEY } from './http-lab.ts';

let lab: HttpLab;
beforeAll(async () => {
  lab = await openHttpLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const call = (method: string, path: string, body?: unknown) =>
  lab.call(method, `/old${path}`, { key: null, headers: { 'x-access-token': ROOT_KEY }, body });
const filing = { ticker: 'ACME', year: 2024 };

test('a submit answers in the words of the old system, with links that follow the mount', async () => {
  const answer = await call('POST', '/analyze', filing);
  const { task_id: id } = answer.body;
  expect(answer).toMatchObject({ status: 202, body: { status_url: `/old/tasks/${id}` } });
  expect((await call('GET', `/tasks/${id}`)).body).toEqual({ task_id: id, status: 'PENDING', result: null });
  expect((await call('DELETE', `/tasks/${id}`)).body).toEqual({
    task_id: id,
    status: 'REVOKED',
    outcome: 'cancelled',
  });
});

test('a task of another pack is unknown here, and cannot be cancelled from here', async () => {
  const { body } = await lab.call('POST', '/v1/tasks/diag.noop', { body: {} });
  for (const method of ['GET', 'DELETE']) {
    expect(await call(method, `/tasks/${body.id}`)).toMatchObject({
      status: 404,
      body: { detail: expect.any(String) },
    });
  }
  expect((await lab.lab.get(body.id)).state).toBe('queued');
});

test('every error is in its own words', async () => {
  const detail = expect.any(String) as unknown;
  expect(await lab.call('POST', '/old/analyze', { key: null, body: filing })).toMatchObject({
    status: 401,
    body: { detail },
  });
  expect(await call('POST', '/analyze', '{"ticker":')).toMatchObject({ status: 400, body: { detail } });
  expect(await call('POST', '/analyze', { note: 'x'.repeat(100_001) })).toMatchObject({
    status: 413,
    body: { detail },
  });
  expect(await call('GET', '/tasks/nonsense')).toMatchObject({ status: 404, body: { detail } });
  expect(await call('GET', '/nowhere')).toMatchObject({ status: 404, body: { detail } });
  expect(await call('PUT', '/analyze')).toMatchObject({ status: 405, body: { detail } });
  const invalid = await call('POST', '/analyze', '{"ticker":"acme","year":1,"note":"\\u0041"}');
  expect(invalid).toMatchObject({ status: 422, body: { detail: [{ loc: ['ticker'] }, { loc: ['year'] }] } });
  const unstorable = await call('POST', '/analyze', '{"ticker":"ACME","year":2024,"note":"\\u0000"}');
  expect(unstorable).toMatchObject({ status: 422, body: { detail: [{ loc: ['note'] }] } });
});

test('the switch to synchronous answers with the outcome', async () => {
  await lab.work();
  expect(await call('POST', '/analyze?async_mode=False', filing)).toMatchObject({
    status: 200,
    body: { ticker: 'ACME', risks: ['fire'] },
  });
  expect(await call('POST', '/analyze?async_mode=false', { ...filing, note: 'fail' })).toMatchObject({
    status: 500,
    body: { detail: 'no such filing' },
  });
  expect((await call('POST', '/analyze?async_mode=maybe', filing)).status).toBe(422);
});
