import { and, desc, eq, gte, inArray, lt, ne, sql, type SQL } from 'drizzle-orm';
import { HOUSEKEEPING_QUEUE } from '../config.ts';
import type { taskState } from '../db/schema/task.ts';
import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller, Page, TaskState, TaskView } from '../wire.ts';
import { pageOfTasks, type PageOfTasks } from './places.ts';
import { isTaskId, ofTenant, selectTasks, task, viewTask, type Include } from './view.ts';

/** What tasks are listed, retried or cancelled by. */
export interface TaskFilter {
  name?: string | undefined;
  queue?: string | undefined;
  state?: readonly TaskState[] | undefined;
  tag?: string | undefined;
  /** ISO 8601, inclusive. */
  createdAfter?: string | undefined;
  /** ISO 8601, exclusive. */
  createdBefore?: string | undefined;
}

export interface ListRequest extends TaskFilter {
  cursor?: string | undefined;
  /** At most 200; default 50. */
  limit?: number | undefined;
  include?: readonly Include[] | undefined;
}

export const MAX_PAGE = 200;

/** Newest first, in pages that stay stable while tasks come in: ids grow with time. */
export async function listTasks(
  { db }: Pick<Lovage, 'db'>,
  caller: Pick<Caller, 'tenant'>,
  request: ListRequest,
): Promise<Page<TaskView>> {
  const include = request.include ?? [];
  const limit = Math.min(request.limit ?? 50, MAX_PAGE);
  const page = pageOfTasks({
    tenant: caller.tenant,
    where: and(ofTenant(caller.tenant), ...matching(request)),
    states: request.state,
    archived: archivedFilter(request),
    before: request.cursor === undefined ? undefined : readCursor(request.cursor),
    count: limit + 1,
  });
  const rows = await selectTasks(db, include, page)
    .orderBy(desc(task.id))
    .limit(limit + 1);
  const items = rows.slice(0, limit).map((row) => viewTask(row, include));
  return { items, nextCursor: rows.length > limit ? writeCursor(items.at(-1)?.id ?? '') : null };
}

export function matching(request: TaskFilter): (SQL | undefined)[] {
  // Lovage's own tasks are there for those who ask for them.
  const isOpen = request.name === undefined && request.queue === undefined;
  return [
    isOpen ? ne(task.queue, HOUSEKEEPING_QUEUE) : undefined,
    request.name === undefined ? undefined : eq(task.name, request.name),
    request.queue === undefined ? undefined : eq(task.queue, request.queue),
    request.state === undefined ? undefined : inStates(request.state),
    request.tag === undefined
      ? undefined
      : sql`${task.tags} @> ARRAY[${request.tag}]::text[] AND ${task.tags} <> '{}'`,
    request.createdAfter === undefined ? undefined : gte(task.createdAt, new Date(request.createdAfter)),
    request.createdBefore === undefined ? undefined : lt(task.createdAt, new Date(request.createdBefore)),
  ];
}

/** A filter of tasks, as `lovage.archived_ids()` takes it. */
export function archivedFilter({
  name,
  queue,
  state,
  tag,
  createdAfter,
  createdBefore,
}: TaskFilter): PageOfTasks['archived'] {
  const isOpen = name === undefined && queue === undefined ? true : undefined;
  return { name, queue, states: state, tag, createdAfter, createdBefore, isOpen };
}

/** `scheduled` is no stored state: it is queued with a due time ahead. */
function inStates(states: readonly TaskState[]): SQL {
  const isScheduled = sql`(${task.state} = 'queued' AND ${task.dueAt} > now())`;
  const stored = states.filter((state) => state !== 'scheduled' && state !== 'queued');
  const parts = [
    ...(stored.length > 0 ? [inArray(task.state, stored as (typeof taskState.enumValues)[number][])] : []),
    ...(states.includes('scheduled') ? [isScheduled] : []),
    ...(states.includes('queued') ? [sql`(${task.state} = 'queued' AND ${task.dueAt} <= now())`] : []),
  ];
  return parts.length === 0 ? sql`false` : sql`(${sql.join(parts, sql` OR `)})`;
}

export const writeCursor = (id: string): string =>
  Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');

export function readCursor(cursor: string): string {
  const hex = Buffer.from(cursor, 'base64url').toString('hex');
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  if (isTaskId(id) && writeCursor(id) === cursor) return id;
  throw new LovageError('validation', 'the cursor is none that this list gave out', {
    faults: [{ pointer: 'cursor', detail: 'hand back nextCursor as it came' }],
  });
}
