import { Discard } from '../errors.ts';
import type { Claim } from '../queue/claim.ts';
import type { Outcome } from '../queue/settle.ts';
import type { Backoff } from '../task.ts';
import { describeError } from './describe-error.ts';

const HOUR_MS = 60 * 60 * 1000;

/** What a failed attempt leads to: another one after a wait, or the end. The whole retry policy is in this file. */
export function afterFailure(
  error: unknown,
  claim: Pick<Claim, 'failures' | 'maxAttempts'>,
  backoff: Backoff,
  random: () => number = Math.random,
): Extract<Outcome, { kind: 'failed' | 'retrying' }> {
  const described = describeError(error);
  const failures = claim.failures + 1;
  if (error instanceof Discard || failures >= claim.maxAttempts) return { kind: 'failed', error: described };
  return { kind: 'retrying', error: described, delayMs: waitAfter(failures, backoff, random) };
}

/** Milliseconds to wait after so many failures. */
export function waitAfter(failures: number, backoff: Backoff, random: () => number): number {
  if ('delaysMs' in backoff) {
    return backoff.delaysMs[Math.min(failures, backoff.delaysMs.length) - 1] ?? 0;
  }
  const { baseMs = 1_000, factor = 2, maxMs = HOUR_MS, jitter = 0.25 } = backoff;
  const exact = Math.min(maxMs, baseMs * factor ** (failures - 1));
  return Math.min(maxMs, exact * (1 - jitter + 2 * jitter * random()));
}
