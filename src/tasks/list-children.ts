import { asc } from 'drizzle-orm';
import type { Lovage } from '../lovage.ts';
import type { Caller, TaskView } from '../wire.ts';
import { childrenOf } from './places.ts';
import { ofTenant, selectTasks, task, viewTask, type Include } from './view.ts';

/** The tasks that a task's handler started, in the order in which it did: their ids grow with time. */
export async function listChildren(
  { db }: Pick<Lovage, 'db'>,
  caller: Pick<Caller, 'tenant'>,
  parentId: string,
  include: readonly Include[] = [],
): Promise<TaskView[]> {
  const rows = await selectTasks(db, include, childrenOf(parentId))
    .where(ofTenant(caller.tenant))
    .orderBy(asc(task.id));
  return rows.map((row) => viewTask(row, include));
}
