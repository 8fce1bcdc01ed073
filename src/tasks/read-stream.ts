import type { Executor } from '../db/connect.ts';
import type { EventView, TaskState } from '../wire.ts';
import { viewEvent, type EventRow } from './events.ts';

/** At most so many events are in memory for one stream. */
export const PAGE = 100;

/** A task with what has happened to it after a number, seen at one moment. */
export interface TaskPage {
  state: TaskState;
  attempt: number;
  /** The number of its last event. */
  events: number;
  finishedAt: string | null;
  /** When its live progress was written, in microseconds. */
  progressAt: number;
  progress: { attempt: number; current: number; total: number | null; message: string | null } | null;
  next: EventView[];
}

interface PageRow extends EventRow {
  state: TaskState;
  taskAttempt: number;
  events: number;
  finishedAt: Date | null;
  progressAt: number;
  progress: TaskPage['progress'];
}

/** Undefined where the tenant has no such task. */
export async function readTaskPage(
  executor: Executor,
  tenant: string,
  id: string,
  after: number,
): Promise<TaskPage | undefined> {
  const { rows } = await executor.query<PageRow>({
    name: 'lovage_task_page',
    text: `SELECT t.state, t.attempt AS "taskAttempt", t.events, t.finished_at AS "finishedAt",
                  coalesce(extract(epoch FROM p.updated_at) * 1000000, 0)::float8 AS "progressAt",
                  CASE WHEN p.task_id IS NOT NULL THEN
                    jsonb_build_object('attempt', p.attempt, 'current', p.current, 'total', p.total, 'message', p.message)
                  END AS progress,
                  e.number, e.type, e.attempt, e.at, e.data
           FROM lovage.any_task($1) t
           LEFT JOIN lovage.task_progress p ON p.task_id = t.id
           LEFT JOIN LATERAL lovage.any_events(t.id, $3, ${PAGE}) e ON true
           WHERE t.tenant = $2
           ORDER BY e.number`,
    values: [id, tenant, after],
  });
  const [first] = rows;
  if (!first) return undefined;
  const { state, taskAttempt, events, finishedAt, progressAt, progress } = first;
  return {
    state,
    attempt: taskAttempt,
    events,
    finishedAt: finishedAt?.toISOString() ?? null,
    progressAt,
    progress,
    next: rows.filter(({ number }) => number !== null).map(viewEvent),
  };
}

/** How many events a task has; undefined where the tenant has no such task. */
export async function countEvents(
  executor: Executor,
  tenant: string,
  id: string,
): Promise<number | undefined> {
  const { rows } = await executor.query<{ events: number }>({
    name: 'lovage_count_events',
    text: 'SELECT t.events FROM lovage.any_task($1) t WHERE t.tenant = $2',
    values: [id, tenant],
  });
  return rows[0]?.events;
}

/** The last progress event up to a number: what whoever has seen that number knows of the progress. */
export async function readLastProgress(
  executor: Executor,
  id: string,
  upTo: number,
): Promise<EventView | undefined> {
  const { rows } = await executor.query<EventRow>({
    name: 'lovage_last_progress',
    text: `SELECT number, type, attempt, at, data FROM lovage.any_events($1)
           WHERE number <= $2 AND type = 'progress' ORDER BY number DESC LIMIT 1`,
    values: [id, upTo],
  });
  return rows[0] && viewEvent(rows[0]);
}
