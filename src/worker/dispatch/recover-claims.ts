import type pg from 'pg';
import type { Log } from '../../log.ts';
import { heldAttempts, type Claims } from '../../queue/claim.ts';
import { settleAttempts } from '../../queue/settle.ts';
import type { Attempt } from '../attempt/attempt.ts';

/**
 * Claims, minding that a claim whose COMMIT went unanswered may have been written: before the next claim of that
 * queue, what Postgres holds as this worker's and this worker never heard of goes back, at no cost to its retries.
 */
export function recoverClaims(worker: {
  claim: Claims['claim'];
  pool: pg.Pool;
  workerId: string;
  running: ReadonlyMap<string, Attempt>;
  log: Log;
}): Claims['claim'] {
  const { claim, pool, workerId, running, log } = worker;
  const unsure = new Set<string>();

  async function handBackUnknown(queue: string): Promise<void> {
    const held = await heldAttempts(pool, queue, workerId);
    const unknown = held.filter(({ id, attempt }) => running.get(id)?.claim.attempt !== attempt);
    if (unknown.length === 0) return;
    log.warn(
      { queue, tasks: unknown.map(({ id }) => id) },
      'the answer to a claim was lost: its tasks go back',
    );
    await settleAttempts(
      pool,
      queue,
      workerId,
      unknown.map(({ id, attempt }) => ({
        id,
        attempt,
        progress: null,
        events: [],
        kind: 'handed_back',
        reason: 'the answer to its claim was lost',
        delayMs: 0,
      })),
    );
  }

  return async (queue, limit) => {
    if (unsure.has(queue)) await handBackUnknown(queue);
    unsure.add(queue);
    const claims = await claim(queue, limit);
    unsure.delete(queue);
    return claims;
  };
}
