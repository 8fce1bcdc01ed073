import type { Executor } from '../db/connect.ts';

export interface QueueReadiness {
  queue: string;
  /** Something can be claimed now. */
  ready: boolean;
  /** Until the next delayed task is due; null when none waits. */
  dueInMs: number | null;
}

/** One statement for all queues: which have work, and when the next delayed task is due. */
export async function nextDue(executor: Executor, queues: readonly string[]): Promise<QueueReadiness[]> {
  const { rows } = await executor.query<QueueReadiness>({
    name: 'lovage_next_due',
    text: 'SELECT queue, ready, due_in_ms AS "dueInMs" FROM lovage.next_due($1)',
    values: [queues],
  });
  return rows;
}
