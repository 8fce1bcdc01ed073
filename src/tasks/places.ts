import { sql, Subquery, type SQL } from 'drizzle-orm';

/** Rows of tasks under the name `t`, each with its archived `progress`. */
export type Place = Subquery<'t'>;
const place = (rows: SQL): Place => new Subquery(rows, {}, 't');

/** One task, wherever it is: the archive is asked only where the hot table has none. */
export const oneTask = (id: string): Place =>
  place(sql`
  SELECT h.*, NULL::jsonb AS progress FROM lovage.task h WHERE h.id = ${id}::uuid
  UNION ALL
  SELECT (a.task).*, a.progress FROM lovage.archived_tasks(ARRAY[${id}::uuid]) a
  WHERE NOT EXISTS (SELECT FROM lovage.task h WHERE h.id = ${id}::uuid)`);

/** What a task's handler started, wherever it is. */
export const childrenOf = (parentId: string): Place =>
  place(sql`
  SELECT h.*, NULL::jsonb AS progress FROM lovage.task h WHERE h.parent_id = ${parentId}::uuid
  UNION ALL
  SELECT (a.task).*, a.progress FROM lovage.archived_tasks(lovage.archived_children(ARRAY[${parentId}::uuid])) a`);

export interface PageOfTasks {
  tenant: string;
  /** Of the hot table, as `t`. */
  where: SQL | undefined;
  /** The same of the archive. */
  archived: Record<string, unknown>;
  /** Only ids between these. */
  after?: string | undefined;
  before?: string | undefined;
  /** Of an archived one: no further than this. */
  upTo?: string | undefined;
  isAscending?: boolean;
  count: number;
}

/**
 * The next tasks by id, from the hot table and the archive, seen in one snapshot. The archive is asked for what can still come
 * before the last of a full hot page: mostly nothing, and then none of its partitions is opened.
 */
export function pageOfTasks(page: PageOfTasks): Place {
  const {
    tenant,
    where = sql`true`,
    archived,
    after = null,
    before = null,
    upTo = null,
    isAscending = false,
    count,
  } = page;
  const order = sql.raw(isAscending ? 'ASC' : 'DESC');
  const end = sql`(SELECT (array_agg(h.id ORDER BY h.id ${order}))[${count}::int] FROM hot h)`;
  const low = isAscending ? sql`${after}::uuid` : sql`coalesce(${end}, ${after}::uuid)`;
  const high = isAscending ? sql`coalesce(${end}, ${upTo}::uuid, ${before}::uuid)` : sql`${before}::uuid`;
  return place(sql`
    WITH hot AS MATERIALIZED (
      SELECT t.* FROM lovage.task t
      WHERE ${where} AND (${after}::uuid IS NULL OR t.id > ${after}::uuid) AND (${before}::uuid IS NULL OR t.id < ${before}::uuid)
      ORDER BY t.id ${order} LIMIT ${count}
    ), old AS MATERIALIZED (
      SELECT lovage.archived_ids(${tenant}, ${JSON.stringify(archived)}::jsonb, ${low}, ${high}, ${count}::int, ${isAscending}) AS ids
    )
    SELECT h.*, NULL::jsonb AS progress FROM hot h
    UNION ALL
    SELECT (a.task).*, a.progress FROM lovage.archived_tasks((SELECT o.ids FROM old o)) a`);
}
