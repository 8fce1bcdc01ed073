import type { Executor } from '../db/connect.ts';
import { ATTEMPT_ENDS } from '../wire.ts';

export interface TaskFault {
  code: string;
  message: string;
  [detail: string]: unknown;
}

/** A line for the history; `agoMs` is how long before the write it happened. */
export interface EventLine {
  type: 'progress' | 'log';
  data: Record<string, unknown>;
  agoMs: number;
}

export interface Report {
  id: string;
  attempt: number;
  progress: { current: number; total: number | null; message: string | null } | null;
  events: EventLine[];
}

/** How an attempt ended. */
export type Outcome =
  | { kind: 'succeeded'; output: unknown; ttlMs: number }
  /** `isCrash`: its process died, which counts as a crash and spends no retry. */
  | { kind: 'failed'; error: TaskFault; isCrash?: true }
  | { kind: 'retrying'; error: TaskFault; delayMs: number }
  | { kind: 'crashed'; error: TaskFault; reason: string; delayMs: number }
  | { kind: 'cancelled' }
  /** The handler asked to be run again later, at no cost to its retries. */
  | { kind: 'snoozed'; reason: string; delayMs: number }
  | { kind: 'handed_back'; reason: string; delayMs: number }
  /** It goes on when these are final, at no cost to its retries. */
  | { kind: 'waiting'; children: readonly string[] };

/** How a cancelled attempt ended; `obeyed` where nothing is said. */
export type CancelEnd = 'obeyed' | 'killed' | 'abandoned';

export type Settlement = Report & Outcome & { cancelEnd?: CancelEnd | undefined };

export interface Settled {
  id: string;
  state: string;
}

/**
 * Ends attempts of one queue in one transaction. What is missing in the answer was refused by the fence: the attempt was no longer
 * the task's own.
 */
export async function settleAttempts(
  executor: Executor,
  queue: string,
  workerId: string,
  settlements: readonly Settlement[],
): Promise<Settled[]> {
  const { rows } = await executor.query<Settled>({
    name: 'lovage_settle',
    text: 'SELECT id, state FROM lovage.settle($1, $2, $3)',
    values: [queue, workerId, JSON.stringify(settlements.map(withoutEmpty))],
  });
  return rows;
}

/** Most attempts have nothing to report: what is empty is not sent, nor parsed over there. */
function withoutEmpty({ progress, events, ...settlement }: Settlement): object {
  return {
    ...settlement,
    ...(progress === null ? {} : { progress }),
    ...(events.length === 0 ? {} : { events }),
  };
}

/** Writes progress and log lines of running attempts; returns the ids that are still the caller's. */
export async function reportAttempts(
  executor: Executor,
  queue: string,
  reports: readonly Report[],
): Promise<string[]> {
  const { rows } = await executor.query<{ mine: string[] }>({
    name: 'lovage_report',
    text: 'SELECT lovage.report($1, $2) AS mine',
    values: [queue, JSON.stringify(reports)],
  });
  return rows[0]?.mine ?? [];
}

/** Which of these attempts have already ended, and how: for outcomes whose COMMIT went unanswered. */
export async function wasSettled(
  executor: Executor,
  attempts: readonly Pick<Settlement, 'id' | 'attempt'>[],
): Promise<Settled[]> {
  const { rows } = await executor.query<Settled>(
    `SELECT e.task_id AS id, e.type AS state
     FROM jsonb_to_recordset($1) AS a (id uuid, attempt int)
     JOIN lovage.task_event e ON e.task_id = a.id AND e.attempt = a.attempt
     WHERE e.type = ANY ($2) AND e.type <> 'rescued'`,
    [JSON.stringify(attempts.map(({ id, attempt }) => ({ id, attempt }))), ATTEMPT_ENDS],
  );
  return rows;
}
