import type { Executor } from '../db/connect.ts';

/** How far a task has come: the number of its last event, and when its live progress was written, in microseconds. */
export interface TaskMark {
  id: string;
  events: number;
  progressAt: number;
}

/** Those of the tasks that have come further than these marks. */
export async function findChanged(executor: Executor, marks: readonly TaskMark[]): Promise<TaskMark[]> {
  const { rows } = await executor.query<TaskMark>({
    name: 'lovage_changed',
    text: `SELECT w.id, t.events, coalesce(extract(epoch FROM p.updated_at) * 1000000, 0)::float8 AS "progressAt"
           FROM unnest($1::uuid[], $2::int[], $3::float8[]) AS w (id, events, progress_at)
           JOIN lovage.any_tasks($1) t ON t.id = w.id
           LEFT JOIN lovage.task_progress p ON p.task_id = w.id
           WHERE t.events > w.events OR extract(epoch FROM p.updated_at) * 1000000 > w.progress_at`,
    values: [
      marks.map(({ id }) => id),
      marks.map(({ events }) => events),
      marks.map(({ progressAt }) => progressAt),
    ],
  });
  return rows;
}

/** Whether anything happened that the snapshot before (`pg_current_snapshot()` as text) could not see, and the one now. */
export async function hasChanged(
  executor: Executor,
  before: string | null,
): Promise<{ isNew: boolean; snapshot: string }> {
  const { rows } = await executor.query<{ isNew: boolean; snapshot: string }>({
    name: 'lovage_anything_new',
    text: `SELECT pg_current_snapshot()::text AS snapshot,
                  $1::text IS NULL OR lovage.has_events_since($1::text::pg_snapshot) AS "isNew"`,
    values: [before],
  });
  const [row] = rows;
  if (!row) throw new Error('pg_current_snapshot() returned nothing');
  return row;
}
