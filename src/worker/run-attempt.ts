import type { z } from 'zod';
import { Discard } from '../errors.ts';
import { findUnstorable, suspect } from '../json/unstorable.ts';
import type { Outcome } from '../queue/settle.ts';
import type { AnyTask } from '../task.ts';
import { AttemptLost, Cancelled, ShuttingDown, type Attempt, type Runner } from './attempt.ts';
import { afterFailure } from './retry-policy.ts';

const MAX_OUTPUT_BYTES = 1024 * 1024;
const UNKNOWN_NAME_MAX_MS = 60_000;

/** Runs an attempt and turns everything that can happen into an outcome. Never rejects. */
export async function runAttempt(
  attempt: Attempt,
  definition: AnyTask | undefined,
  runners: Record<AnyTask['isolation'], Runner>,
): Promise<Outcome> {
  const { claim } = attempt;
  if (!definition) return unknownName(claim.attempt);
  try {
    if (attempt.signal.aborted) throw attempt.signal.reason;
    const input = await parse(
      definition.input,
      claim.input,
      'validation',
      'the input no longer fits its schema',
    );
    const returned = await runners[definition.isolation].run(definition, attempt, input);
    const output = await parse(
      definition.output,
      returned,
      'output_invalid',
      'the output does not fit its schema',
    );
    return { kind: 'succeeded', output: storable(output), ttlMs: claim.resultTtlMs };
  } catch (error) {
    return stopped(attempt) ?? afterFailure(error, claim, definition.backoff);
  }
}

/** A handler that ended because it was told to is no failure. */
function stopped({ signal }: Attempt): Outcome | undefined {
  if (signal.reason instanceof Cancelled) return { kind: 'cancelled' };
  if (signal.reason instanceof ShuttingDown || signal.reason instanceof AttemptLost) {
    return { kind: 'handed_back', reason: signal.reason.message, delayMs: 0 };
  }
  return undefined;
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
