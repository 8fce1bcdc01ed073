import type { Executor } from '../db/connect.ts';

/** Marks running attempts of a queue that should have ended and go on. What is no longer their task's own stays as it is. */
export async function markOverdue(
  executor: Executor,
  queue: string,
  attempts: readonly { id: string; attempt: number; because: string }[],
): Promise<void> {
  await executor.query('SELECT lovage.mark_overdue($1, $2)', [queue, JSON.stringify(attempts)]);
}
