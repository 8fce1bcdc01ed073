import { DrizzleQueryError } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { Discard, RetryIn, Snooze, WaitingForChildren } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { Cancelled, ShuttingDown, SoftTimeLimitExceeded, type StopReason } from '../../src/stop-reasons.ts';
import { describeError } from '../../src/worker/attempt/describe-error.ts';
import { packError, unpackError } from '../../src/worker/runners/send-error.ts';
import { afterFailure, judge, waitAfter } from '../../src/worker/attempt/retry-policy.ts';

const HOUR = 3_600_000;
const middle = () => 0.5;
const waits = (count: number, random: () => number) =>
  Array.from({ length: count }, (_, index) => waitAfter(index + 1, {}, random));

describe('the wait after a failure', () => {
  test('is one second, doubling', () => {
    expect(waits(5, middle)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
  });

  test('varies by a quarter to both sides', () => {
    expect(waits(3, () => 0)).toEqual([750, 1_500, 3_000]);
    expect(waits(3, () => 1)).toEqual([1_250, 2_500, 5_000]);
  });

  test('is never more than an hour, jitter included', () => {
    expect(waitAfter(13, {}, middle)).toBe(HOUR);
    expect(waitAfter(13, {}, () => 1)).toBe(HOUR);
    expect(waitAfter(1_000, {}, () => 0)).toBe(HOUR * 0.75);
  });

  test('follows a definition’s own numbers', () => {
    expect(waitAfter(3, { baseMs: 10, factor: 3, jitter: 0 }, () => 1)).toBe(90);
    expect(waitAfter(9, { baseMs: 10, maxMs: 50 }, middle)).toBe(50);
  });

  test('is exact where delays are named, the last of them repeating', () => {
    const backoff = { delaysMs: [60_000, 120_000, 240_000] };
    expect([1, 2, 3, 4].map((failures) => waitAfter(failures, backoff, () => 0.9))).toEqual([
      60_000, 120_000, 240_000, 240_000,
    ]);
  });
});

describe('a failed attempt', () => {
  const claim = { failures: 0, maxAttempts: 3 };

  test('leads to another one while the budget lasts', () => {
    expect(afterFailure(new Error('x'), claim, {}, middle)).toMatchObject({
      kind: 'retrying',
      delayMs: 1_000,
    });
    expect(afterFailure(new Error('x'), { ...claim, failures: 1 }, {}, middle)).toMatchObject({
      kind: 'retrying',
      delayMs: 2_000,
    });
    expect(afterFailure(new Error('x'), { ...claim, failures: 2 }, {})).toMatchObject({ kind: 'failed' });
  });

  test('is the last one when the error says that no retry can mend it', () => {
    const error = new Discard('bounced', { code: 'bounced' });
    expect(afterFailure(error, claim, {})).toMatchObject({
      kind: 'failed',
      error: { code: 'bounced', message: 'bounced' },
    });
  });
});

describe('a definition’s own word on what was thrown', () => {
  const log = createLog({ level: 'silent' });
  const asked: unknown[] = [];
  const definition = {
    name: 'mail.send',
    retryIf(error: unknown) {
      asked.push(error);
      return false;
    },
  };
  const isFinal = (error: unknown, stopReason?: StopReason) => {
    const judged = judge(error, definition, { stopReason, log });
    return afterFailure(judged, { failures: 0, maxAttempts: 3 }, {}, middle).kind === 'failed';
  };

  test('ends the task, and leaves the error as it was', () => {
    const error = Object.assign(new Error('no such box', { cause: new Error('550') }), { code: 'bounced' });
    const judged = judge(error, definition, { stopReason: undefined, log });
    expect(afterFailure(judged, { failures: 0, maxAttempts: 3 }, {}, middle)).toMatchObject({
      kind: 'failed',
      error: { code: 'bounced', type: 'Error', message: 'no such box', cause: { message: '550' } },
    });
    expect(judge(error, { name: 'mail.send', retryIf: undefined }, { stopReason: undefined, log })).toBe(
      error,
    );
  });

  test('is not asked about what a handler chose, or threw because it was told to stop', () => {
    const late = new SoftTimeLimitExceeded('late');
    const aborted = Object.assign(new Error('aborted', { cause: late }), { name: 'AbortError' });
    asked.length = 0;
    const finals = [
      isFinal(new RetryIn(5)),
      isFinal(new Snooze(5)),
      isFinal(new WaitingForChildren(['a'])),
      isFinal(new Error('wrapped', { cause: new WaitingForChildren(['a']) })),
      isFinal(late, late),
      isFinal(aborted, late),
      isFinal(new Error('x'), new Cancelled('cancelled')),
      isFinal(new Error('x'), new ShuttingDown('ends')),
    ];
    expect(finals).not.toContain(true);
    expect(isFinal(new Discard('x'))).toBe(true);
    expect(asked).toEqual([]);
    expect(isFinal(new Error('could not clean up'), late)).toBe(true);
    expect(asked).toHaveLength(1);
  });
});

test('a failed query is told without the values of its parameters, from another process too', () => {
  const refused = Object.assign(new Error('duplicate key'), { code: '23505' });
  const failed = new DrizzleQueryError('insert into "p" values ($1, $2)', ['Ada\nLovelace', 1815], refused);
  for (const error of [failed, unpackError(packError(failed))]) {
    const told = describeError(error);
    expect(told).toMatchObject({
      message: 'Failed query: insert into "p" values ($1, $2)\nparams: [redacted]',
      cause: { message: 'duplicate key' },
    });
    expect(told.stack).toMatch(/params: \[redacted\]\n {4}at /);
    expect(JSON.stringify(told)).not.toMatch(/Ada|Lovelace|1815/);
  }
});

describe('the code of an error', () => {
  const codeOf = (error: unknown) => describeError(error).code;

  test('is its own, else the name of its kind', () => {
    expect(codeOf(Object.assign(new TypeError('x'), { code: 'ERR_X' }))).toBe('ERR_X');
    expect(codeOf(new TypeError('x'))).toBe('TypeError');
    expect(codeOf(new DOMException('late', 'TimeoutError'))).toBe('TimeoutError');
    expect(codeOf(new Error('x'))).toBe('handler_error');
    expect(codeOf(Object.assign(new Error('x'), { name: 'no name: at all' }))).toBe('handler_error');
    expect(codeOf(Object.assign(new TypeError('x'), { code: '' }))).toBe('TypeError');
  });

  test('is the same when the error comes from another process', () => {
    for (const error of [new TypeError('x'), new DOMException('late', 'TimeoutError'), new Error('x')])
      expect(codeOf(unpackError(packError(error)))).toBe(codeOf(error));
  });
});
