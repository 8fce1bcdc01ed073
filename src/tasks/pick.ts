import { and, asc, eq, gt, lte } from 'drizzle-orm';
import { task as hotTask } from '../db/schema/task.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import { archivedFilter, matching, readCursor, writeCursor, type TaskFilter } from './list.ts';
import { pageOfTasks } from './places.ts';
import { ofTenant, task } from './view.ts';

/** Many tasks at a time, by the list's filters. */
export interface SweepRequest extends TaskFilter {
  /** `nextCursor` of the call before. */
  cursor?: string | undefined;
  /** At most 10,000 tasks a call, which take about a second; default 1,000. */
  limit?: number | undefined;
}

export interface Picked {
  ids: string[];
  nextCursor: string | null;
}

export const MAX_SWEEP = 10_000;
const DEFAULT_SWEEP = 1_000;
/** A rare match in a long history must not outlast its caller's patience: a call looks at so many tasks, then hands on. */
const LOOK_AT = 20_000;

/** The next tasks that match, the oldest first. `nextCursor` may come with none: then there is more to look at. */
export async function pickTasks(
  { db }: Pick<Lovage, 'db'>,
  caller: Pick<Caller, 'tenant'>,
  { cursor, limit: wanted = DEFAULT_SWEEP, ...filter }: SweepRequest,
): Promise<Picked> {
  const limit = Math.min(wanted, MAX_SWEEP);
  const after = cursor === undefined ? undefined : readCursor(cursor);
  const byIndex =
    filter.name === undefined
      ? filter.queue && eq(hotTask.queue, filter.queue)
      : eq(hotTask.name, filter.name);
  const [last] = await db
    .select({ id: hotTask.id })
    .from(hotTask)
    .where(and(after === undefined ? undefined : gt(hotTask.id, after), byIndex || undefined))
    .orderBy(asc(hotTask.id))
    .offset(LOOK_AT)
    .limit(1);
  const rows = await db
    .select({ id: task.id })
    .from(
      pageOfTasks({
        tenant: caller.tenant,
        where: and(ofTenant(caller.tenant), last && lte(task.id, last.id), ...matching(filter)),
        archived: archivedFilter(filter),
        after,
        upTo: last?.id,
        isAscending: true,
        count: limit + 1,
      }),
    )
    .orderBy(asc(task.id))
    .limit(limit + 1);
  const ids = rows.slice(0, limit).map(({ id }) => id);
  const next = rows.length > limit ? ids.at(-1) : last?.id;
  return { ids, nextCursor: next === undefined ? null : writeCursor(next) };
}
