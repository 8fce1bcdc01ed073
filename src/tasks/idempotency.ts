import type { Executor } from '../db/connect.ts';
import { LovageError } from '../errors.ts';
import { digestJson } from '../json/canonical.ts';
import type { Lovage } from '../lovage.ts';
import type { IdempotencyKey } from '../queue/send-once.ts';
import type { Caller } from '../wire.ts';

/** A key of this caller's own, for this request: equal requests have equal fingerprints, in whatever order their members come. */
export const idempotencyKeyOf = (
  { idempotencyTtlMs }: Pick<Lovage, 'idempotencyTtlMs'>,
  { actor }: Pick<Caller, 'actor'>,
  key: string,
  request: object,
): IdempotencyKey => ({ actor, key, fingerprint: digestJson(request), ttlMs: idempotencyTtlMs });

export type Taken =
  | { isReplay: false }
  /** What the first request under the key made. */
  | { isReplay: true; taskId: string | null; batchId: string | null };

/**
 * Takes a key for what is made in the same transaction; a twin waits here until that has ended. Where the key was taken before, what
 * was made then is to be answered.
 * @throws idempotency-key-reused where it came with another request.
 */
export async function takeIdempotencyKey(
  tx: Executor,
  caller: Pick<Caller, 'tenant'>,
  { actor, key, fingerprint, ttlMs }: IdempotencyKey,
  made: { taskId: string } | { batchId: string },
): Promise<Taken> {
  const { rows } = await tx.query<{ outcome: string; taskId: string | null; batchId: string | null }>(
    `SELECT outcome, task_id AS "taskId", batch_id AS "batchId"
     FROM lovage.take_idempotency_key($1, $2, $3, decode($4, 'hex'), $5, $6, $7)`,
    [
      caller.tenant,
      actor,
      key,
      fingerprint,
      ttlMs,
      'taskId' in made ? made.taskId : null,
      'batchId' in made ? made.batchId : null,
    ],
  );
  const [answer] = rows;
  if (!answer) throw new Error(`nothing was said about the idempotency key "${key}"`);
  const { outcome, ...first } = answer;
  if (outcome === 'reused') throw keyReused(key);
  return outcome === 'replayed' ? { isReplay: true, ...first } : { isReplay: false };
}

export const keyReused = (key: string): LovageError =>
  new LovageError('idempotency-key-reused', `the idempotency key "${key}" came with another request before`);

/** To run it again would be to do twice what was to be done once: only a key of its own asks for that. */
export const replayRemoved = (key: string): LovageError =>
  new LovageError(
    'conflict',
    `the idempotency key "${key}" stands for what was removed since; send another key to start anew`,
  );
