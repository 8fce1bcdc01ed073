import { callAs } from '../db/call-as.ts';
import { retryConflicts } from '../db/failures.ts';
import type { Lovage } from '../lovage.ts';
import { explainHeldKey } from '../queue/held-key.ts';
import type { Caller, RetryOutcome, TaskView } from '../wire.ts';
import { getTask, taskNotFound } from './get.ts';

/**
 * Runs a final task again under its own id, with its budget renewed and its history kept; a succeeded one loses its
 * result. On a task that is not final it changes nothing.
 * @throws conflict where another task has taken its dedupe key in the meantime.
 */
export async function retryTask(
  lovage: Pick<Lovage, 'db' | 'pool' | 'notifier'>,
  caller: Caller,
  id: string,
): Promise<{ task: TaskView; outcome: RetryOutcome }> {
  await getTask(lovage, caller, id, []);
  const outcome = await retryConflicts(() =>
    callAs<RetryOutcome | 'not_found'>(lovage.pool, caller.actor, 'lovage.retry($2)', [id]),
  ).catch((error: unknown) => {
    throw explainHeldKey(error);
  });
  if (outcome === 'not_found') throw taskNotFound(id);
  lovage.notifier.changed([id]);
  return { task: await getTask(lovage, caller, id), outcome };
}
