import { and, asc, eq } from 'drizzle-orm';
import { task } from '../db/schema/task.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller, TaskView } from '../wire.ts';
import { ofTenant, selectTasks, viewTask, type Include } from './view.ts';

/** The tasks that a task's handler started, in the order in which it did: their ids grow with time. */
export async function listChildren(
  { db }: Pick<Lovage, 'db'>,
  caller: Pick<Caller, 'tenant'>,
  parentId: string,
  include: readonly Include[] = [],
): Promise<TaskView[]> {
  const rows = await selectTasks(db, include)
    .where(and(eq(task.parentId, parentId), ofTenant(caller.tenant)))
    .orderBy(asc(task.id));
  return rows.map((row) => viewTask(row, include));
}
