import { afterEach, expect, test } from 'vitest';
import { until } from '../lab.ts';
import { Line } from '../line.ts';
import { type HttpLab, openHttpLab, serve } from './http-lab.ts';

const line = new Line();
let lab: HttpLab | undefined;
afterEach(async () => {
  await line.cut();
  await lab?.[Symbol.asyncDispose]();
  lab = undefined;
});

const REQUESTS = [
  ['GET', '/v1/tasks', {}],
  ['POST', '/v1/tasks/diag.noop', { body: {} }],
  ['POST', '/v1/tasks/diag.noop?async=false', { body: {} }],
  ['GET', '/v1/tasks', { key: 'a-key-that-must-be-looked-up' }],
  ['GET', '/readyz', { key: null }],
] as const;

test('while Postgres refuses, everything is 503 at once, and all is well again by itself', async () => {
  lab = await openHttpLab();
  const postgres = new URL(lab.lab.url);
  await line.open(postgres);
  await using server = await serve(line.through(postgres));
  expect((await server.call('GET', '/readyz')).status).toBe(200);
  await line.cut();

  for (const [method, path, options] of REQUESTS) {
    const answer = await server.call(method, path, options);
    expect(answer).toMatchObject({ status: 503, body: { type: '/problems/queue-unavailable' } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  for (const path of ['queues.list', 'queues.list,queues.list?batch=1&input=%7B%7D']) {
    const { status, headers } = await server.call('GET', `/trpc/${path}`);
    expect([status, Number(headers.get('retry-after')) > 0]).toEqual([503, true]);
  }
  expect((await server.call('GET', '/healthz')).status).toBe(200);
  const old = await server.call('POST', '/old/analyze', { body: { ticker: 'ACME', year: 2024 } });
  expect(old).toMatchObject({ status: 503, body: { detail: expect.any(String) } });

  await line.open(postgres);
  await until(
    () => server.call('GET', '/readyz'),
    ({ status }) => status === 200,
  );
  expect((await server.call('POST', '/v1/tasks/diag.noop', { body: {} })).status).toBe(202);
});

test('a Postgres that takes connections and says nothing is 503 within 5 s, also for a key that cannot be checked', async () => {
  await line.open(undefined);
  await using server = await serve(`postgres://nobody:nothing@127.0.0.1:${line.port}/none`);
  await Promise.all(
    REQUESTS.map(async ([method, path, options]) => {
      const startedAt = performance.now();
      const answer = await server.call(method, path, options);
      expect(answer).toMatchObject({ status: 503, body: { type: '/problems/queue-unavailable' } });
      // The promise is kept in 4.7 s; two waits one after the other would come to nearly ten.
      expect(performance.now() - startedAt).toBeLessThan(7_000);
    }),
  );
});

test('a task that was accepted is never answered as refused because Postgres went away while waiting', async () => {
  lab = await openHttpLab();
  const postgres = new URL(lab.lab.url);
  await line.open(postgres);
  await using server = await serve(line.through(postgres));
  const waiting = server.call('POST', '/v1/tasks/diag.noop?wait=3', { body: {} });
  await until(
    () => server.lovage.finals.size,
    (size) => size > 0,
  );
  await line.cut();
  expect(await waiting).toMatchObject({ status: 202, body: { state: 'queued' } });
});

test('a closing server answers its long polls with the task as it stands', async () => {
  lab = await openHttpLab();
  const { lovage, api } = lab;
  const waiting = lab.call('POST', '/v1/tasks/diag.noop?async=false', { body: {} });
  await until(
    () => lovage.finals.size,
    (size) => size > 0,
  );
  await api.close(10_000);
  expect(await waiting).toMatchObject({ status: 202, body: { state: 'queued' } });
});
