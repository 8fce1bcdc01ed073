import type { Lab } from '../lab.ts';

/** Pairs of attempts in a queue that ran at the same time, by their history. */
export const overlaps = (lab: Lab, queue: string, key?: string, since: unknown = '-infinity') =>
  lab.sql(
    `SELECT * FROM (
       SELECT s.task_id, s.attempt, s.at AS started, lag(s.ended) OVER w AS ended_before
       FROM (SELECT b.task_id, b.attempt, b.at, coalesce(e.at, 'infinity') AS ended
             FROM lovage.task_event b
             JOIN lovage.task t ON t.id = b.task_id
             LEFT JOIN lovage.task_event e ON e.task_id = b.task_id AND e.attempt = b.attempt
               AND e.type IN ('succeeded', 'failed', 'cancelled', 'retrying', 'handed_back', 'snoozed', 'crashed', 'rescued')
             WHERE b.type = 'started' AND t.queue = $1 AND ($2::text IS NULL OR t.concurrency_key = $2)) s
       WINDOW w AS (ORDER BY s.at, s.ended)) pair
     WHERE started < ended_before AND started > $3`,
    [queue, key ?? null, since],
  );

/** The most starts of a queue in any window of so many milliseconds, by their history. */
export async function mostStarts(lab: Lab, queue: string, periodMs: number): Promise<number> {
  const [row] = await lab.sql<{ most: number }>(
    `SELECT max(n)::int AS most FROM (
       SELECT count(*) OVER (ORDER BY e.at RANGE BETWEEN $2::int * interval '1 ms' PRECEDING AND CURRENT ROW) AS n
       FROM lovage.task_event e JOIN lovage.task t ON t.id = e.task_id
       WHERE e.type = 'started' AND t.queue = $1) s`,
    [queue, periodMs],
  );
  return row?.most ?? 0;
}
