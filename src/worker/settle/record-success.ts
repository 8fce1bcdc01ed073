import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { isPassing } from '../../db/failures.ts';
import type { Log } from '../../log.ts';
import { wasSettled, type Outcome, type Settlement } from '../../queue/settle.ts';
import type { AnyTask } from '../../task.ts';
import type { Attempt, SettleAlone } from '../attempt/attempt.ts';
import { attemptFields } from '../../tracing/log-fields.ts';
import { outcomeOf } from '../attempt/run-attempt.ts';
import { ChildDied } from '../runners/child-failures.ts';
import { WriteFailed } from './settle-alone.ts';

const RETRY_MAX_MS = 5_000;

/**
 * Records a success together with its handler's own writes: until it is written, the fence refuses it, or the
 * writes themselves fail, which fails the attempt.
 */
export async function recordSuccess(success: {
  settle: SettleAlone;
  settlement: Settlement;
  attempt: Attempt;
  definition: AnyTask;
  pool: pg.Pool;
  workerId: string;
  log: Log;
}): Promise<{ state: string | null } | { outcome: Outcome }> {
  const { settle, settlement, attempt, definition, pool, workerId, log } = success;
  for (let failures = 0; ; failures += 1) {
    try {
      return { state: await settle(settlement, { workerId, limitMs: attempt.hardLimitMs }) };
    } catch (error) {
      const failed = error instanceof WriteFailed ? error.cause : error;
      if (error instanceof ChildDied) {
        // It may have died after its COMMIT.
        const [done] = await wasSettled(pool, [settlement]).catch(() => []);
        if (done) return { state: done.state };
      }
      if (error instanceof WriteFailed || !isPassing(error)) {
        return { outcome: outcomeOf(failed, attempt, definition) };
      }
      log.warn(
        { ...attemptFields(attempt.claim), err: error },
        'a success could not be written; trying again',
      );
      await pause(Math.min(RETRY_MAX_MS, 100 * 2 ** failures));
    }
  }
}
