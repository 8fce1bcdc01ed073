import type { Executor } from '../db/connect.ts';

/** Of each schedule so many runs are kept. */
const KEPT_RUNS = 1_000;

export interface Run {
  scheduleId: string;
  occurrence: Date;
  /** Null where there is nothing to tell: it was paused. */
  kind: 'due' | 'made_up' | 'skipped' | null;
  taskId: string | null;
  error: string | null;
  nextAt: Date | null;
}

/** Writes what became of occurrences and moves their schedules on. Returns the ids of the tasks that are first of their occurrence. */
export async function recordRuns(tx: Executor, runs: readonly Run[]): Promise<Set<string | null>> {
  const { rows } = await tx.query<{ taskId: string | null }>({
    name: 'lovage_record_runs',
    text: `WITH d AS (
             SELECT * FROM jsonb_to_recordset($1) AS d ("scheduleId" uuid, occurrence timestamptz, kind text,
                                                        "taskId" uuid, error text, "nextAt" timestamptz)
           ), moved AS (
             UPDATE lovage.schedule s
             SET next_at = d."nextAt", last_at = CASE WHEN d."taskId" IS NULL THEN s.last_at ELSE now() END
             FROM d WHERE s.id = d."scheduleId"
           ), forgotten AS (
             DELETE FROM lovage.schedule_run r USING d
             WHERE r.schedule_id = d."scheduleId"
               AND r.occurrence < (SELECT o.occurrence FROM lovage.schedule_run o WHERE o.schedule_id = d."scheduleId"
                                   ORDER BY o.occurrence DESC OFFSET $2 LIMIT 1)
           )
           INSERT INTO lovage.schedule_run (schedule_id, occurrence, kind, task_id, error)
           SELECT d."scheduleId", d.occurrence, d.kind, d."taskId", d.error FROM d WHERE d.kind IS NOT NULL
           ON CONFLICT DO NOTHING
           RETURNING task_id AS "taskId"`,
    values: [JSON.stringify(runs), KEPT_RUNS],
  });
  return new Set(rows.map(({ taskId }) => taskId));
}
