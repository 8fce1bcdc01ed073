import type pg from 'pg';
import type { Executor } from '../db/connect.ts';
import { RUNNABLE, type ScheduleRow } from './rows.ts';

/**
 * A worker starts within some milliseconds of the time, a busy or restarting one within seconds. What is a minute late had
 * nobody there: running it now would be a surprise, unless it was asked for.
 */
const MISSED_AFTER_MS = 60_000;

export interface DueSchedule extends ScheduleRow {
  occurrence: Date;
  now: Date;
  /** Nobody was there when it was due. */
  isMissed: boolean;
  /** It came due while the schedule was paused. */
  wasPaused: boolean;
  /** For the task of this run. */
  taskId: string;
}

/**
 * Locks due schedules whose tasks this process knows; those that another worker holds are passed over. `ids` narrows
 * it to some.
 */
export async function lockDue(
  tx: pg.PoolClient,
  pick: { tasks: readonly string[]; limit: number; ids?: readonly string[] | undefined },
): Promise<DueSchedule[]> {
  const { rows } = await tx.query<DueSchedule>({
    name: 'lovage_due_schedules',
    text: `SELECT ${RUNNABLE}, s.next_at AS occurrence, now() AS now, lovage.uuid_v7() AS "taskId",
                  s.next_at < now() - ${MISSED_AFTER_MS} * interval '1 ms' AS "isMissed",
                  coalesce(s.next_at <= s.resumed_at, false) AS "wasPaused"
           FROM lovage.schedule s
           WHERE s.next_at <= now() AND s.paused_at IS NULL AND s.task_name = ANY ($1)
             AND ($2::uuid[] IS NULL OR s.id = ANY ($2))
           ORDER BY s.next_at LIMIT $3
           FOR UPDATE SKIP LOCKED`,
    values: [pick.tasks, pick.ids ?? null, pick.limit],
  });
  return rows;
}

/** Milliseconds until the next schedule is due, below 0 where one is overdue; null when none is to come. */
export async function nextScheduleDue(executor: Executor, tasks: readonly string[]): Promise<number | null> {
  const { rows } = await executor.query<{ dueInMs: number | null }>({
    name: 'lovage_next_schedule',
    text: `SELECT (extract(epoch FROM min(s.next_at) - clock_timestamp()) * 1000)::float8 AS "dueInMs"
           FROM lovage.schedule s WHERE s.paused_at IS NULL AND s.task_name = ANY ($1)`,
    values: [tasks],
  });
  return rows[0]?.dueInMs ?? null;
}

export async function dueIds(executor: Executor, tasks: readonly string[]): Promise<string[]> {
  const { rows } = await executor.query<{ id: string }>(
    `SELECT s.id FROM lovage.schedule s
     WHERE s.next_at <= now() AND s.paused_at IS NULL AND s.task_name = ANY ($1) ORDER BY s.next_at LIMIT 1000`,
    [tasks],
  );
  return rows.map(({ id }) => id);
}
