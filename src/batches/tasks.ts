import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { task } from '../db/schema/task.ts';
import type { Lovage } from '../lovage.ts';
import { MAX_PAGE, readCursor, writeCursor } from '../tasks/list.ts';
import { ofTenant, selectTasks, viewTask, type Include } from '../tasks/view.ts';
import type { Caller, Page, TaskView } from '../wire.ts';
import { getBatch } from './get.ts';

/** The tasks of a batch in the order in which they were sent, with their results where asked for. @throws batch-not-found */
export async function listBatchTasks(
  lovage: Pick<Lovage, 'db' | 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
  page: {
    cursor?: string | undefined;
    limit?: number | undefined;
    include?: readonly Include[] | undefined;
  } = {},
): Promise<Page<TaskView>> {
  const { include = [], cursor } = page;
  const limit = Math.min(page.limit ?? 50, MAX_PAGE);
  const { thenTaskId } = await getBatch(lovage, caller, id);
  const rows = await selectTasks(lovage.db, include)
    .where(
      and(
        eq(task.batchId, id),
        ofTenant(caller.tenant),
        sql`${task.id} IS DISTINCT FROM ${thenTaskId}::uuid`,
        cursor === undefined ? undefined : gt(task.id, readCursor(cursor)),
      ),
    )
    .orderBy(asc(task.id))
    .limit(limit + 1);
  const items = rows.slice(0, limit).map((row) => viewTask(row, include));
  return { items, nextCursor: rows.length > limit ? writeCursor(items.at(-1)?.id ?? '') : null };
}
