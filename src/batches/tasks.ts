import { and, asc, eq, sql } from 'drizzle-orm';
import type { Lovage } from '../lovage.ts';
import { MAX_PAGE, readCursor, writeCursor } from '../tasks/list.ts';
import { pageOfTasks } from '../tasks/places.ts';
import { ofTenant, selectTasks, task, viewTask, type Include } from '../tasks/view.ts';
import type { Caller, Page, TaskView } from '../wire.ts';
import { getBatch } from './get.ts';

/** The tasks of a batch in the order in which they were sent, with their results where asked for. @throws batch-not-found */
export async function listBatchTasks(
  lovage: Pick<Lovage, 'db' | 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
  asked: {
    cursor?: string | undefined;
    limit?: number | undefined;
    include?: readonly Include[] | undefined;
  } = {},
): Promise<Page<TaskView>> {
  const { include = [], cursor } = asked;
  const limit = Math.min(asked.limit ?? 50, MAX_PAGE);
  const { thenTaskId } = await getBatch(lovage, caller, id);
  const page = pageOfTasks({
    tenant: caller.tenant,
    where: and(eq(task.batchId, id), ofTenant(caller.tenant)),
    archived: { batchId: id },
    after: cursor === undefined ? undefined : readCursor(cursor),
    isAscending: true,
    // One more for the task that was started at its end.
    count: limit + 2,
  });
  const rows = await selectTasks(lovage.db, include, page)
    .where(sql`${task.id} IS DISTINCT FROM ${thenTaskId}::uuid`)
    .orderBy(asc(task.id))
    .limit(limit + 1);
  const items = rows.slice(0, limit).map((row) => viewTask(row, include));
  return { items, nextCursor: rows.length > limit ? writeCursor(items.at(-1)?.id ?? '') : null };
}
