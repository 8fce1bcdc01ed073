import { TRPCError } from '@trpc/server';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { toLovageError } from '../../src/api/errors.ts';
import { toProblem } from '../../src/api/problem.ts';
import { LovageError } from '../../src/errors.ts';

const withCode = (code: string, message = 'secret detail') => Object.assign(new Error(message), { code });

test.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EPIPE', '57P01', '57P03', '08006', '53300', '25006'])(
  '%s says that the queue is unavailable, and when to ask again',
  (code) => {
    expect(toLovageError(withCode(code))).toMatchObject({ code: 'queue-unavailable', retryAfter: 2 });
  },
);

test.each([
  'timeout exceeded when trying to connect',
  'Connection terminated unexpectedly',
  'Query read timeout',
])('pg gives "%s" no code, and it still says that the queue is unavailable', (message) => {
  expect(toLovageError(new Error(message)).code).toBe('queue-unavailable');
});

test.each(['22021', '22P05'])('what Postgres cannot store is the caller’s fault: %s', (code) => {
  expect(toLovageError(withCode(code))).toMatchObject({ code: 'validation' });
});

test('an error is known through whatever wraps it', () => {
  const refused = new TRPCError({
    code: 'INTERNAL_SERVER_ERROR',
    cause: new Error('Failed query', { cause: withCode('ECONNREFUSED') }),
  });
  expect(toLovageError(refused).code).toBe('queue-unavailable');
  const missing = new LovageError('task-not-found', 'gone');
  expect(toLovageError(new TRPCError({ code: 'NOT_FOUND', cause: missing }))).toBe(missing);
});

test('what nobody foresaw is an internal error that tells callers nothing', () => {
  const error = toLovageError(withCode('23505', 'duplicate key (email)=(ada@example.com)'));
  expect(toProblem(error, 'r1')).toEqual({
    type: '/problems/internal',
    title: 'Internal error',
    status: 500,
    detail: 'Internal error',
    instance: 'r1',
  });
  expect(error.cause).toMatchObject({ code: '23505' });
});

test('a faulty tRPC input is a validation problem with a pointer per fault', () => {
  const parsed = z.strictObject({ a: z.array(z.int()) }).safeParse({ a: [1, 'x'], b: 1 });
  const cause = parsed.error;
  if (cause === undefined) throw new Error('the input was meant to be faulty');
  expect(
    toLovageError(new TRPCError({ code: 'BAD_REQUEST', cause })).faults.map(({ pointer }) => pointer),
  ).toEqual(['/a/1', '/b']);
});
