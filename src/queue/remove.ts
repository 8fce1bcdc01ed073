import type { Executor } from '../db/connect.ts';

/**
 * Removes a final task, archived or not, with all that hangs on it, and what psql left of its job; false where it is not there, not final,
 * or still needed: by a batch that has not ended, or by a parent that may yet read its result.
 */
export async function removeFinalTask(
  executor: Executor,
  task: { id: string; queue: string; tenant: string },
): Promise<boolean> {
  const { rows } = await executor.query<{ removed: boolean }>({
    name: 'lovage_remove_task',
    // The job is locked before the task, as everywhere; a live one is not touched, and its task is not final.
    text: `WITH leftover AS (
             DELETE FROM pgboss.job j
             WHERE j.name = $2 AND j.id = $1 AND j.state > 'active'
               AND EXISTS (SELECT FROM lovage.task t WHERE t.id = $1 AND t.tenant = $3 AND lovage.is_final(t.state))
             RETURNING j.id
           ), gone AS (
             DELETE FROM lovage.task t
             WHERE t.id = $1 AND t.tenant = $3 AND lovage.is_final(t.state) AND (SELECT count(*) FROM leftover) >= 0
               AND NOT EXISTS (SELECT FROM lovage.batch b WHERE b.id = t.batch_id AND b.finished_at IS NULL)
               AND NOT EXISTS (SELECT FROM lovage.task p WHERE p.id = t.parent_id AND NOT lovage.is_final(p.state))
             RETURNING t.id
           ), result AS (DELETE FROM lovage.task_result r USING gone WHERE r.task_id = gone.id
           ), event AS (DELETE FROM lovage.task_event e USING gone WHERE e.task_id = gone.id
           ), progress AS (DELETE FROM lovage.task_progress p USING gone WHERE p.task_id = gone.id
           ), callback AS (DELETE FROM lovage.task_callback c USING gone WHERE c.task_id = gone.id
           ), wait AS (DELETE FROM lovage.task_wait w USING gone WHERE w.task_id = gone.id
           ), delivery AS (DELETE FROM lovage.webhook_delivery d USING gone WHERE d.task_id = gone.id)
           SELECT EXISTS (SELECT FROM gone)
                  OR lovage.remove_archived($1, $3) AS removed`,
    values: [task.id, task.queue, task.tenant],
  });
  return rows[0]?.removed ?? false;
}
