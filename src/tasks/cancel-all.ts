import { callAs } from '../db/call-as.ts';
import { retryConflicts } from '../db/failures.ts';
import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { isFinal, TASK_STATES, type Caller } from '../wire.ts';
import { pickTasks, type SweepRequest } from './pick.ts';

export interface CancelledTasks {
  cancelled: number;
  /** Those that run; their handlers were told to stop. */
  requested: number;
  /** Those that ended, or no longer matched, in between. */
  skipped: number;
  /** Hand it back as `cursor` to go on; null when all were looked at. */
  nextCursor: string | null;
}

/** Cancels the tasks that match, of every state that is not final unless `state` says otherwise: one call, one transaction. */
export async function cancelTasks(
  lovage: Pick<Lovage, 'db' | 'pool' | 'notifier'>,
  caller: Caller,
  { reason, ...request }: SweepRequest & { reason?: string | undefined },
): Promise<CancelledTasks> {
  const state = (request.state ?? TASK_STATES).filter((one) => !isFinal(one));
  if (state.length === 0) {
    throw new LovageError('validation', 'a final task cannot be cancelled', {
      faults: [{ pointer: '/state', detail: 'must name a state that is not final' }],
    });
  }
  const { ids, nextCursor } = await pickTasks(lovage, caller, { ...request, state });
  if (ids.length === 0) return { cancelled: 0, requested: 0, skipped: 0, nextCursor };
  const running = state.includes('running');
  const waiting = state.some((one) => one !== 'running');
  const { cancelled, requested } = await retryConflicts(() =>
    callAs<{ cancelled: string[]; requested: string[] }>(
      lovage.pool,
      caller.actor,
      'to_jsonb(lovage.cancel_tasks($2::uuid[], $3, $4, $5))',
      [ids, reason ?? null, waiting, running],
    ),
  );
  lovage.notifier.changed([...cancelled, ...requested]);
  lovage.notifier.final(cancelled);
  const skipped = ids.length - cancelled.length - requested.length;
  return { cancelled: cancelled.length, requested: requested.length, skipped, nextCursor };
}
