import { eq, sql } from 'drizzle-orm';
import { taskResult } from '../db/schema/task.ts';
import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { isFinal, type Caller } from '../wire.ts';
import { taskNotFound } from './get.ts';
import { oneTask } from './places.ts';
import { isTaskId, ofTenant, shownState, task } from './view.ts';

/**
 * What the task returned.
 * @throws conflict while it has none (unfinished, or final without success), result-expired past its time to live.
 */
export async function getResult(
  { db }: Pick<Lovage, 'db'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
): Promise<unknown> {
  if (!isTaskId(id)) throw taskNotFound(id);
  const [row] = await db
    .select({
      state: shownState,
      isReadable: sql<boolean>`coalesce(${taskResult.expiresAt} > now(), false)`,
      output: taskResult.output,
    })
    .from(oneTask(id))
    .leftJoin(taskResult, eq(taskResult.taskId, task.id))
    .where(ofTenant(caller.tenant));
  if (!row) throw taskNotFound(id);
  if (row.state !== 'succeeded') {
    throw new LovageError(
      'conflict',
      `task ${id} is ${row.state} and has no result${isFinal(row.state) ? '' : ' yet'}`,
    );
  }
  if (!row.isReadable) {
    throw new LovageError(
      'result-expired',
      `task ${id} succeeded, but its result has passed its time to live`,
    );
  }
  return row.output;
}
