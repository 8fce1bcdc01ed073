import { callAs } from '../db/call-as.ts';
import { retryConflicts } from '../db/failures.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import type { BatchView, CancelBatchOutcome } from '../wire/batches.ts';
import { getBatch } from './get.ts';
import { batchNotFound } from './view.ts';

/**
 * Cancels what has not ended of a batch: its waiting tasks at once, its running ones when their handlers have stopped. Its `then`
 * task is not started. Cancelling twice changes nothing.
 */
export async function cancelBatch(
  lovage: Pick<Lovage, 'pool' | 'notifier'>,
  caller: Caller,
  id: string,
  options: { reason?: string | undefined } = {},
): Promise<{ batch: BatchView; outcome: CancelBatchOutcome }> {
  await getBatch(lovage, caller, id);
  const { outcome, cancelled } = await retryConflicts(() =>
    callAs<{ outcome: CancelBatchOutcome | 'not_found'; cancelled: string[] }>(
      lovage.pool,
      caller.actor,
      'to_jsonb(lovage.cancel_batch($2, $3))',
      [id, options.reason ?? null],
    ),
  );
  if (outcome === 'not_found') throw batchNotFound(id);
  lovage.notifier.final(cancelled);
  return { batch: await getBatch(lovage, caller, id), outcome };
}
