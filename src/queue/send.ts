import type { Executor } from '../db/connect.ts';
import type { AcceptedRow } from '../db/rows.ts';

/** A task to accept; its policy is a snapshot of the definition's. */
export interface NewTask {
  tenant: string;
  name: string;
  queue: string;
  priority: number;
  maxAttempts: number;
  resultTtlMs: number;
  softLimitMs?: number;
  hardLimitMs?: number;
  concurrencyKey?: string | null;
  input: unknown;
  tags: readonly string[];
  createdBy: string;
  delayMs?: number | undefined;
  dueAt?: string | undefined;
}

/** Accepts tasks in one statement: all of them with their jobs and first events, or none. */
export async function sendTasks(executor: Executor, tasks: readonly NewTask[]): Promise<AcceptedRow[]> {
  const { rows } = await executor.query<AcceptedRow>({
    name: 'lovage_add_tasks',
    text: 'SELECT id, name, queue, state, priority, attempt, max_attempts, soft_limit_ms, hard_limit_ms, concurrency_key, tags, created_by, created_at, due_at FROM lovage.add_tasks($1)',
    values: [JSON.stringify(tasks)],
  });
  return rows;
}
