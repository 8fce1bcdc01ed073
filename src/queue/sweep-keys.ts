import type { Executor } from '../db/connect.ts';

/** Where to go on looking, as the call before said. */
export type SweepPlace = readonly string[] | null;

/** Removes idempotency and dedupe keys whose time is over, in one bounded batch. `next` is null at the end. */
export async function sweepKeyBatch(
  executor: Executor,
  after: SweepPlace,
  atMost: number,
): Promise<{ swept: number; next: SweepPlace }> {
  const { rows } = await executor.query<{ swept: number; next: SweepPlace }>({
    name: 'lovage_sweep_keys',
    text: 'SELECT swept, next FROM lovage.sweep_keys($1, $2)',
    values: [after, atMost],
  });
  return rows[0] ?? { swept: 0, next: null };
}
