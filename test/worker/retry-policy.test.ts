import { describe, expect, test } from 'vitest';
import { Discard } from '../../src/errors.ts';
import { afterFailure, waitAfter } from '../../src/worker/retry-policy.ts';

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
