import type { Executor } from '../../db/connect.ts';
import { retryConflicts } from '../../db/failures.ts';
import { CRASH_DELAY_MS, MAX_CRASHES } from '../attempt/retry-policy.ts';

/** A worker whose heartbeat is older than this is taken for gone, whatever its lease. */
export const HEARTBEAT_DEADLINE_MS = 15_000;
/** A worker whose lease has been free for so long is taken for dead. */
export const LEASE_PATIENCE_MS = 1_000;

export interface Rescued {
  task_id: string;
  name: string;
  /** The one that was lost. */
  attempt: number;
  trace: string | null;
  request_id: string | null;
  queue: string;
  worker_id: string;
  /** Its worker's process died, rather than falling silent. */
  is_crash: boolean;
  /** The task's state now: mostly `queued`. */
  state: string;
}

/** By which signs others are judged. Null: by this one not at all. */
export interface Signs {
  deadlineMs: number | null;
  patienceMs: number | null;
}

export const ALL_SIGNS: Signs = { deadlineMs: HEARTBEAT_DEADLINE_MS, patienceMs: LEASE_PATIENCE_MS };

/**
 * Queues the tasks of dead workers again. `lostBefore` are workers whose tasks were taken already: what a claim of
 * theirs that waited for a lock has taken since is taken too.
 */
export async function rescueTasks(
  executor: Executor,
  { deadlineMs, patienceMs }: Signs = ALL_SIGNS,
  lostBefore: readonly string[] = [],
): Promise<Rescued[]> {
  const { rows } = await retryConflicts(() =>
    executor.query<Rescued>({
      // OFFSET 0: one look-up by id for each, however large the table.
      text: `SELECT r.task_id, r.queue, r.worker_id, r.is_crash, r.state, t.name, t.attempt, t.trace, t.request_id
             FROM lovage.rescue($1 * interval '1 ms', $2 * interval '1 ms',
               max_crashes => $3, crash_delay_ms => $4, lost_before => $5) r
             CROSS JOIN LATERAL (SELECT * FROM lovage.task t WHERE t.id = r.task_id OFFSET 0) t`,
      values: [deadlineMs, patienceMs, MAX_CRASHES, CRASH_DELAY_MS, lostBefore],
    }),
  );
  return rows;
}
