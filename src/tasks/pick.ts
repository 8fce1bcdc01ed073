import { and, asc, eq, gt, lte } from 'drizzle-orm';
import { task } from '../db/schema/task.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import { matching, readCursor, writeCursor, type TaskFilter } from './list.ts';
import { ofTenant } from './view.ts';

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
  const after = cursor === undefined ? undefined : gt(task.id, readCursor(cursor));
  const byIndex =
    filter.name === undefined ? filter.queue && eq(task.queue, filter.queue) : eq(task.name, filter.name);
  const [last] = await db
    .select({ id: task.id })
    .from(task)
    .where(and(after, byIndex || undefined))
    .orderBy(asc(task.id))
    .offset(LOOK_AT)
    .limit(1);
  const rows = await db
    .select({ id: task.id })
    .from(task)
    .where(and(ofTenant(caller.tenant), after, last && lte(task.id, last.id), ...matching(filter)))
    .orderBy(asc(task.id))
    .limit(limit + 1);
  const ids = rows.slice(0, limit).map(({ id }) => id);
  const next = rows.length > limit ? ids.at(-1) : last?.id;
  return { ids, nextCursor: next === undefined ? null : writeCursor(next) };
}
