import { inTransaction } from '../db/in-transaction.ts';
import type { Lovage } from '../lovage.ts';
import { sendTasks } from '../queue/send.ts';
import { traceSend } from '../tracing/spans.ts';
import { viewAccepted } from '../tasks/view.ts';
import type { Caller, TaskView } from '../wire.ts';
import { scheduleNotFound } from './get.ts';
import { newRun } from './new-run.ts';
import { RUNNABLE, type ScheduleRow } from './rows.ts';

/**
 * Starts a schedule's task now, also of one that is paused or has ended; its times stay as they are.
 * @throws schedule-not-found, unknown-task-name, validation where the input does not fit any more, or conflict where a task with the
 * same dedupe key is not final.
 */
export async function runSchedule(
  lovage: Pick<Lovage, 'config' | 'pool' | 'notifier'>,
  caller: Pick<Caller, 'actor' | 'tenant' | 'origin'>,
  name: string,
): Promise<TaskView> {
  const accepted = await inTransaction(lovage.pool, async (tx) => {
    // One after the other: each run has its own time.
    const { rows } = await tx.query<ScheduleRow & { taskId: string }>(
      `SELECT ${RUNNABLE}, lovage.uuid_v7() AS "taskId" FROM lovage.schedule s
       WHERE s.tenant = $1 AND s.name = $2 FOR UPDATE`,
      [caller.tenant, name],
    );
    const [schedule] = rows;
    if (!schedule) throw scheduleNotFound(name);
    const { actor: createdBy, origin } = caller;
    const task = await newRun(lovage, schedule, { id: schedule.taskId, createdBy, origin });
    const [row] = await traceSend(task, (trace) => sendTasks(tx, [{ ...task, trace }]));
    await tx.query(
      `WITH ran AS (
         INSERT INTO lovage.schedule_run (schedule_id, occurrence, kind, task_id)
         VALUES ($1, clock_timestamp(), 'by_hand', $2)
       )
       UPDATE lovage.schedule SET last_at = now() WHERE id = $1`,
      [schedule.id, schedule.taskId],
    );
    return row;
  });
  if (!accepted) throw new Error(`the task of schedule "${name}" was accepted but no row came back`);
  lovage.notifier.ready(accepted.queue);
  return viewAccepted(accepted, false);
}
