import { callAs } from '../db/call-as.ts';
import type { Lovage } from '../lovage.ts';
import { isTaskId } from '../tasks/view.ts';
import type { Caller } from '../wire.ts';
import type { DrainOutcome, WorkerView } from '../wire/worker.ts';
import { getWorker, workerNotFound } from './list.ts';

/**
 * Tells a worker to claim nothing more and to end as by SIGTERM: at once by notification, within 5 s by its heartbeat.
 * What runs gets the worker's own grace. @throws worker-not-found
 */
export async function drainWorker(
  lovage: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'actor'>,
  id: string,
): Promise<{ worker: WorkerView; outcome: DrainOutcome }> {
  if (!isTaskId(id)) throw workerNotFound(id);
  const outcome = await callAs<DrainOutcome | 'not_found'>(
    lovage.pool,
    caller.actor,
    'lovage.drain_worker($2)',
    [id],
  );
  if (outcome === 'not_found') throw workerNotFound(id);
  return { worker: await getWorker(lovage, id), outcome };
}
