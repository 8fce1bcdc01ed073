import type { z } from 'zod';
import { Discard } from '../../errors.ts';
import { findUnstorable, suspect } from '../../json/unstorable.ts';
import type { Outcome } from '../../queue/settle.ts';
import {
  AttemptLost,
  Cancelled,
  HardTimeLimitExceeded,
  ShuttingDown,
  SoftTimeLimitExceeded,
} from '../../stop-reasons.ts';
import type { AnyTask } from '../../task.ts';
import { runnerOf, type Attempt, type Returned, type Runners, type SettleAlone } from './attempt.ts';
import { findWait, isFor } from './find-cause.ts';
import { afterCrash, afterFailure } from './retry-policy.ts';
import { ChildDied, ChildUnavailable } from '../runners/child-failures.ts';

const MAX_OUTPUT_BYTES = 1024 * 1024;
const UNKNOWN_NAME_MAX_MS = 60_000;
const NO_CHILD_MS = 5_000;

export interface Ended {
  outcome: Outcome;
  /** How to record it, where the handler has writes of its own. */
  settle?: SettleAlone | undefined;
  release?: (() => void) | undefined;
}

/** Runs an attempt and turns everything that can happen into an outcome. Never rejects. */
export async function runAttempt(
  attempt: Attempt,
  definition: AnyTask | undefined,
  runners: Runners,
): Promise<Ended> {
  const { claim } = attempt;
  if (!definition) return { outcome: unknownName(claim.attempt) };
  let returned: Returned | undefined;
  try {
    if (attempt.stopReason) throw attempt.stopReason;
    const input = await parse(
      definition.input,
      claim.input,
      'validation',
      'the input no longer fits its schema',
    );
    returned = await runnerOf(runners, definition, attempt).run(definition, attempt, input);
    const { output, settle, release } = returned;
    const late = attempt.toldTo(HardTimeLimitExceeded);
    if (late) throw late;
    const parsed = await parse(
      definition.output,
      output,
      'output_invalid',
      'the output does not fit its schema',
    );
    const outcome: Outcome = { kind: 'succeeded', output: storable(parsed), ttlMs: claim.resultTtlMs };
    return { outcome, settle, release };
  } catch (error) {
    returned?.release?.();
    return { outcome: outcomeOf(error, attempt, definition) };
  } finally {
    attempt.end();
  }
}

/** A handler that ended because it was told to is no failure, unless it was told for lack of time. */
export function outcomeOf(error: unknown, attempt: Attempt, { backoff }: Pick<AnyTask, 'backoff'>): Outcome {
  if (attempt.toldTo(Cancelled)) return { kind: 'cancelled' };
  const lost = attempt.toldTo(AttemptLost);
  if (lost) return { kind: 'handed_back', reason: lost.message, delayMs: 0 };
  const late = attempt.toldTo(HardTimeLimitExceeded);
  if (late) return afterFailure(late, attempt.claim, backoff);
  const waiting = findWait(error);
  if (waiting) return { kind: 'waiting', children: waiting.children };
  const ending = attempt.toldTo(ShuttingDown);
  if (ending) return { kind: 'handed_back', reason: ending.message, delayMs: 0 };
  if (error instanceof ChildDied) return afterCrash(error, attempt.claim);
  if (error instanceof ChildUnavailable)
    return { kind: 'handed_back', reason: error.message, delayMs: NO_CHILD_MS };
  const soft = attempt.toldTo(SoftTimeLimitExceeded);
  return afterFailure(soft && isFor(error, soft) ? soft : error, attempt.claim, backoff);
}

/** A rolling deploy: another worker may know the name. Waits a little longer each time nobody did. */
function unknownName(attempt: number): Outcome {
  return {
    kind: 'handed_back',
    reason: 'this worker does not know the task name',
    delayMs: Math.min(UNKNOWN_NAME_MAX_MS, 1_000 * 2 ** Math.min(attempt, 10)),
  };
}

async function parse(schema: z.ZodType, value: unknown, code: string, message: string): Promise<unknown> {
  const parsed = await schema.safeParseAsync(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`);
  throw new Discard(`${message}: ${faults.join('; ')}`, { code });
}

/** What Postgres can keep as jsonb, checked here so that one bad output fails alone and says why. */
function storable(output: unknown): unknown {
  let json: string | undefined;
  try {
    json = JSON.stringify(output ?? null);
  } catch (error) {
    throw new Discard('the output cannot be written as JSON', { code: 'output_invalid', cause: error });
  }
  if (json === undefined) throw new Discard('the output is no JSON value', { code: 'output_invalid' });
  if (json.length > MAX_OUTPUT_BYTES || Buffer.byteLength(json) > MAX_OUTPUT_BYTES) {
    throw new Discard(`the output is over ${MAX_OUTPUT_BYTES} bytes`, { code: 'output_too_large' });
  }
  const [unstorable] = findUnstorable(output, suspect(json));
  if (unstorable) {
    throw new Discard(`the output cannot be stored: ${unstorable.pointer || '(root)'} ${unstorable.detail}`, {
      code: 'output_invalid',
    });
  }
  return output ?? null;
}
