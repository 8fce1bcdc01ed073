import type { Executor } from '../db/connect.ts';
import { retryConflicts } from '../db/failures.ts';

export interface FollowedUp {
  /** How many ends need no further look. */
  done: number;
  /** Batches that Postgres refuses to finish: they wait for a later look. */
  refused: { batch: string; message: string }[];
}

const AT_A_TIME = 200;

/** Draws the consequences of ends that concern parents and batches, in one transaction. */
export async function followUp(executor: Executor): Promise<FollowedUp> {
  const { rows } = await retryConflicts(() =>
    executor.query<FollowedUp>({
      name: 'lovage_follow_up',
      text: 'SELECT done, refused FROM lovage.follow_up($1)',
      values: [AT_A_TIME],
    }),
  );
  return rows[0] ?? { done: 0, refused: [] };
}
