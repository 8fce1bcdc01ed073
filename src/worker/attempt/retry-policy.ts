import { Discard, RetryIn, Snooze } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Claim } from '../../queue/claim.ts';
import type { Outcome } from '../../queue/settle.ts';
import { SoftTimeLimitExceeded, type StopReason } from '../../stop-reasons.ts';
import type { AnyTask, Backoff } from '../../task.ts';
import { describeError } from './describe-error.ts';
import { findWait, isFor } from './find-cause.ts';

const HOUR_MS = 60 * 60 * 1000;

/** After so many attempts whose process died under them a task is not run again, whatever its retries. */
export const MAX_CRASHES = 3;
/** After its first crash a task runs again at once, after the next ones so much later. */
export const CRASH_DELAY_MS = 1_000;

/** What a handler threw, where its definition's `retryIf` says that it will not pass by itself. */
export class Hopeless extends Error {
  override readonly name = 'Hopeless';

  constructor(cause: unknown) {
    super('no retry can mend what the handler threw', { cause });
  }
}

/**
 * What a handler threw as the policy takes it. Asks the definition, so it has to be called where the handler ran: elsewhere its
 * error is a copy. What the handler chose, and what it threw because it was told to stop, is not asked about.
 */
export function judge(
  error: unknown,
  { name, retryIf }: Pick<AnyTask, 'name' | 'retryIf'>,
  { stopReason, log }: { stopReason: StopReason | undefined; log: Log },
): unknown {
  if (!retryIf || [Discard, RetryIn, Snooze].some((choice) => error instanceof choice)) return error;
  if (findWait(error)) return error;
  if (stopReason && (!(stopReason instanceof SoftTimeLimitExceeded) || isFor(error, stopReason)))
    return error;
  try {
    return retryIf(error) ? error : new Hopeless(error);
  } catch (fault) {
    log.warn({ err: fault, task: name }, 'a retryIf threw: what it was asked about is tried again');
    return error;
  }
}

/** What a failed attempt leads to: another one after a wait, or the end. The whole retry policy is in this file. */
export function afterFailure(
  thrown: unknown,
  claim: Pick<Claim, 'failures' | 'maxAttempts'>,
  backoff: Backoff,
  random: () => number = Math.random,
): Extract<Outcome, { kind: 'failed' | 'retrying' | 'snoozed' }> {
  const isHopeless = thrown instanceof Hopeless;
  const error = isHopeless ? thrown.cause : thrown;
  if (error instanceof Snooze) {
    return { kind: 'snoozed', reason: describeError(error).message, delayMs: error.delayMs };
  }
  const described = describeError(error);
  const failures = claim.failures + 1;
  if (isHopeless || error instanceof Discard || failures >= claim.maxAttempts)
    return { kind: 'failed', error: described };
  const delayMs = error instanceof RetryIn ? error.delayMs : waitAfter(failures, backoff, random);
  return { kind: 'retrying', error: described, delayMs };
}

/** What the death of an attempt's process leads to. It spends no retry. */
export function afterCrash(
  error: Error,
  claim: Pick<Claim, 'crashes'>,
): Extract<Outcome, { kind: 'failed' | 'crashed' }> {
  const described = { ...describeError(error), code: 'crashed' };
  const crashes = claim.crashes + 1;
  if (crashes >= MAX_CRASHES) return { kind: 'failed', error: described, isCrash: true };
  return {
    kind: 'crashed',
    error: described,
    reason: described.message,
    delayMs: crashes > 1 ? CRASH_DELAY_MS : 0,
  };
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
