import { retryConflicts } from '../db/failures.ts';
import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { removeFinalTask } from '../queue/remove.ts';
import { isFinal, type Caller } from '../wire.ts';
import { getTask } from './get.ts';

/**
 * Removes a final task for good: its input, result, history, progress and webhook deliveries.
 * @throws task-not-found; conflict while it is not final, or something that has not ended still needs it.
 */
export async function removeTask(
  lovage: Pick<Lovage, 'db' | 'pool'>,
  caller: Caller,
  id: string,
): Promise<void> {
  const { queue } = await getTask(lovage, caller, id, []);
  const { tenant } = caller;
  if (await retryConflicts(() => removeFinalTask(lovage.pool, { id, queue, tenant }))) return;
  const { state } = await getTask(lovage, caller, id, []);
  throw new LovageError(
    'conflict',
    isFinal(state)
      ? `task ${id} belongs to a batch or a parent that has not ended`
      : `task ${id} is ${state}: only a final task can be removed`,
  );
}
