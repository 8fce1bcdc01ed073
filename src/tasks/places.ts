import { sql, Subquery, type SQL } from 'drizzle-orm';
import type { TaskState } from '../wire.ts';

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
  /** The states that `where` asks for, where it does: those that few have are found without reading what waits. */
  states?: readonly TaskState[] | undefined;
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
    states,
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
      SELECT t.* FROM ${hotRows(states, { after, before, order })}
      WHERE ${where} AND (${after}::uuid IS NULL OR t.id > ${after}::uuid) AND (${before}::uuid IS NULL OR t.id < ${before}::uuid)
      ORDER BY o.id ${order} LIMIT ${count}
    ), old AS MATERIALIZED (
      SELECT lovage.archived_ids(${tenant}, ${JSON.stringify(archived)}::jsonb, ${low}, ${high}, ${count}::int, ${isAscending}) AS ids
    )
    SELECT h.*, NULL::jsonb AS progress FROM hot h
    UNION ALL
    SELECT (a.task).*, a.progress FROM lovage.archived_tasks((SELECT o.ids FROM old o)) a`);
}

const RARE_ENDS: readonly TaskState[] = ['failed', 'cancelled', 'expired'];

/**
 * Rows `t` of the hot table and their ids, `o`. No index of it names a state, which would make every transition dearer; history has
 * one of the ends that are no successes, and those that wait for children have a table.
 */
function hotRows(
  states: readonly TaskState[] | undefined,
  { after, before, order }: { after: string | null; before: string | null; order: SQL },
): SQL {
  const ids = rareIds(states);
  if (!ids) return sql`lovage.task t CROSS JOIN LATERAL (SELECT t.id) o`;
  return sql`(
    SELECT DISTINCT i.task_id AS id FROM (${ids}) i
    WHERE (${after}::uuid IS NULL OR i.task_id > ${after}::uuid) AND (${before}::uuid IS NULL OR i.task_id < ${before}::uuid)
    ORDER BY i.task_id ${order}) o CROSS JOIN LATERAL (SELECT h.* FROM lovage.task h WHERE h.id = o.id OFFSET 0) t`;
}

function rareIds(states: readonly TaskState[] | undefined): SQL | undefined {
  if (!states?.length) return undefined;
  if (states.every((state) => state === 'waiting')) return sql`SELECT w.task_id FROM lovage.task_wait w`;
  if (!states.every((state) => RARE_ENDS.includes(state))) return undefined;
  return sql`SELECT e.task_id FROM lovage.task_event e WHERE e.type IN ('failed', 'cancelled', 'expired')`;
}
