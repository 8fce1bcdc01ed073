import type { Lovage } from '../lovage.ts';
import { isTaskId } from '../tasks/view.ts';
import type { Caller } from '../wire.ts';
import type { BatchView } from '../wire/batches.ts';
import { batchNotFound, selectBatches } from './view.ts';

/** One batch. @throws batch-not-found for an id that is unknown, malformed or another tenant's. */
export async function getBatch(
  { pool }: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
): Promise<BatchView> {
  if (!isTaskId(id)) throw batchNotFound(id);
  const [batch] = await selectBatches(pool, caller.tenant, { id });
  if (!batch) throw batchNotFound(id);
  return batch;
}
