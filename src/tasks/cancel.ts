import type { Lovage } from '../lovage.ts';
import type { Caller, CancelOutcome, TaskView } from '../wire.ts';
import { getTask, taskNotFound } from './get.ts';

/**
 * Cancels a waiting task at once and asks a running one to stop. Cancelling twice, or a final task, changes nothing.
 */
export async function cancelTask(
  lovage: Pick<Lovage, 'db' | 'pool' | 'notifier'>,
  caller: Caller,
  id: string,
  options: { reason?: string | undefined } = {},
): Promise<{ task: TaskView; outcome: CancelOutcome }> {
  await getTask(lovage, caller, id, []);
  const { rows } = await lovage.pool.query<{ outcome: CancelOutcome | 'not_found' }>({
    name: 'lovage_cancel',
    // Materialized, so that the actor is set before the cancel runs.
    text: `WITH who AS MATERIALIZED (SELECT set_config('lovage.actor', $3, true) AS actor)
           SELECT lovage.cancel($1, $2) AS outcome FROM who WHERE who.actor IS NOT NULL`,
    values: [id, options.reason ?? null, caller.actor],
  });
  const outcome = rows[0]?.outcome ?? 'not_found';
  if (outcome === 'not_found') throw taskNotFound(id);
  lovage.notifier.changed([id]);
  if (outcome === 'cancelled') lovage.notifier.final([id]);
  return { task: await getTask(lovage, caller, id), outcome };
}
