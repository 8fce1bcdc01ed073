import { createLog } from '../../src/log.ts';
import { expect, test, vi } from 'vitest';
import { Cancelled } from '../../src/stop-reasons.ts';
import { Attempt, type Because } from '../../src/worker/attempt/attempt.ts';
import { Reporter } from '../../src/worker/report/reporter.ts';

/** A cancel that came between a handler's return and its settle: the log said that it was overdue. */
test('a handler that has returned is not forced when a cancel comes after it', () => {
  vi.useFakeTimers();
  try {
    const forced: Because[] = [];
    const attempt = startAttempt(forced);
    attempt.end();
    attempt.stop(new Cancelled('the task was cancelled'));
    vi.runAllTimers();
    expect(forced).toEqual([]);

    const other = startAttempt(forced);
    other.stop(new Cancelled('the task was cancelled'));
    other.stop(new Cancelled('the task was cancelled'));
    vi.runAllTimers();
    expect(forced).toEqual(['cancel']);
  } finally {
    vi.useRealTimers();
  }
});

function startAttempt(forced: Because[]): Attempt {
  const claim = {
    id: '01890000-0000-7000-8000-000000000000',
    queue: 'diag',
    name: 'diag.noop',
    tenant: 'default',
    attempt: 1,
    failures: 0,
    maxAttempts: 3,
    crashes: 0,
    resultTtlMs: 1_000,
    softLimitMs: null,
    hardLimitMs: null,
    input: {},
    cancelRequested: false,
    waitMs: 0,
    trace: null,
    requestId: null,
  };
  return new Attempt({
    claim,
    reporter: new Reporter(claim, () => undefined, createLog({ level: 'silent' })),
    limits: { softLimitMs: 60_000, hardLimitMs: 60_000, cancelGraceMs: 200 },
    force: (_attempt, because) => void forced.push(because),
  });
}
