import { callAs } from '../db/call-as.ts';
import { retryConflicts } from '../db/failures.ts';
import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { explainHeldKey } from '../queue/held-key.ts';
import { isFinal, type Caller } from '../wire.ts';
import { pickTasks, type SweepRequest } from './pick.ts';

export interface RetriedTasks {
  queued: number;
  /** Those that somebody else had queued again in between, and those whose dedupe key another task has. */
  skipped: number;
  /** Hand it back as `cursor` to go on; null when all were looked at. */
  nextCursor: string | null;
}

/** Runs the final tasks that match again, the failed ones unless `state` says otherwise: one call, one transaction. */
export async function retryTasks(
  lovage: Pick<Lovage, 'db' | 'pool' | 'notifier'>,
  caller: Caller,
  request: SweepRequest,
): Promise<RetriedTasks> {
  const state = (request.state ?? ['failed']).filter((one) => isFinal(one));
  if (state.length === 0) {
    throw new LovageError('validation', 'only a final task can be retried', {
      faults: [{ pointer: '/state', detail: 'must name a final state' }],
    });
  }
  const { ids, nextCursor } = await pickTasks(lovage, caller, { ...request, state });
  if (ids.length === 0) return { queued: 0, skipped: 0, nextCursor };
  const queued = await retryConflicts(() =>
    callAs<number>(
      lovage.pool,
      caller.actor,
      'cardinality(lovage.retry_tasks(lovage.with_free_key($2::uuid[])))',
      [ids],
    ),
  ).catch((error: unknown) => {
    throw explainHeldKey(error);
  });
  lovage.notifier.changed(ids);
  return { queued, skipped: ids.length - queued, nextCursor };
}
