import { createServer } from 'node:net';
import { once } from 'node:events';
import pg from 'pg';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { isTransient, LovageError } from '../../src/index.ts';
import { ServiceError } from '../../packs/services/service-error.ts';
import { callService } from '../../packs/services/call-service.ts';

const coded = (code: string) => Object.assign(new Error(code), { code });
const answered = (status: number) => Object.assign(new Error(`answered ${status}`), { status });

/** What was thrown, and not something else of the same message. */
async function thrownBy(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

test.each([
  ['08006', '40001', '40P01', '53300', '53400', '55P03', '57P01', '57P02', '57P03', '25006'],
  [
    'ECONNREFUSED',
    'ECONNRESET',
    'ECONNABORTED',
    'ETIMEDOUT',
    'EAI_AGAIN',
    'ENOTFOUND',
    'EPIPE',
    'EHOSTUNREACH',
  ],
  ['UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'queue-unavailable'],
])('a code that says connection, conflict or resources may pass: %s, %s, %s …', (...codes) => {
  expect(codes.filter((code) => !isTransient(coded(code)))).toEqual([]);
  expect(codes.filter((code) => !isTransient(new Error('wrapped', { cause: coded(code) })))).toEqual([]);
});

test.each([
  ['EACCES', 'ENOENT', 'ENOSPC', 'EADDRINUSE', 'EPROTO'],
  ['23505', '22P05', '42P01', '42601', '28P01', '3D000', '57014', '25P02'],
  ['CERT_HAS_EXPIRED', 'UND_ERR_INVALID_ARG', 'ERR_INVALID_URL', 'not-configured', '08', '4000'],
])('any other code does not: %s, %s, %s …', (...codes) => {
  expect(codes.filter((code) => isTransient(coded(code)))).toEqual([]);
});

test('an answer’s status decides: what is overloaded or broken may mend, what refuses will not', () => {
  expect(
    [408, 425, 429, 500, 502, 503, 504, 599].map((status) => isTransient(answered(status))),
  ).not.toContain(false);
  expect(
    [200, 301, 400, 401, 403, 404, 409, 410, 422].map((status) => isTransient(answered(status))),
  ).not.toContain(true);
  const refused = Object.assign(answered(404), { cause: coded('ECONNRESET') });
  expect(isTransient(refused)).toBe(false);
  expect(isTransient(Object.assign(coded('ECONNRESET'), { status: 0 }))).toBe(true);
});

test('faults of the program and of its input do not pass, nor does what is no error', async () => {
  const faults = [
    new TypeError('x is not a function'),
    await thrownBy(() => z.string().parse(1)),
    new LovageError('validation', 'no'),
    new LovageError('not-configured', 'no'),
    await thrownBy(() => AbortSignal.abort().throwIfAborted()),
  ];
  for (const each of [...faults, 'ECONNRESET', undefined, null, 503, {}])
    expect(isTransient(each)).toBe(false);
});

test('what circles ends, and one of several causes is enough', () => {
  const circle = new Error('round');
  circle.cause = new Error('and round', { cause: circle });
  expect(isTransient(circle)).toBe(false);
  expect(isTransient(new AggregateError([new Error('::1'), coded('ECONNREFUSED')]))).toBe(true);
});

test('real faults of the network are told: no server, one that hangs up, one that never answers', async () => {
  const server = createServer((socket) => void socket.once('data', () => socket.destroy())).listen(
    0,
    '127.0.0.1',
  );
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(silent, 'listening')]);
  const urlOf = (of: typeof server) => `http://127.0.0.1:${(of.address() as { port: number }).port}`;
  const [hangsUp, saysNothing] = [urlOf(server), urlOf(silent)];

  expect(isTransient(await thrownBy(() => fetch(hangsUp)))).toBe(true);
  const { signal } = new AbortController();
  const call = { service: 'the service', url: hangsUp, signal };
  expect(await thrownBy(() => callService(call))).toBeInstanceOf(ServiceError);
  expect(isTransient(await thrownBy(() => callService(call)))).toBe(true);
  const late = await thrownBy(() => callService({ ...call, url: saysNothing, timeoutMs: 20 }));
  expect(isTransient(late)).toBe(true);

  server.close();
  silent.close();
  await once(server, 'close');
  expect(isTransient(await thrownBy(() => fetch(hangsUp)))).toBe(true);
  expect(
    isTransient(
      await thrownBy(() =>
        new pg.Client({ connectionString: hangsUp.replace('http', 'postgres') }).connect(),
      ),
    ),
  ).toBe(true);
  expect(
    isTransient(await thrownBy(() => fetch('http://127.0.0.1:1', { redirect: 'nowhere' as never }))),
  ).toBe(false);
});

test('pg’s own words for a cut connection and a timeout are known', () => {
  for (const message of ['Connection terminated unexpectedly', 'timeout exceeded when trying to connect'])
    expect(isTransient(new Error('Failed query', { cause: new Error(message) }))).toBe(true);
});
