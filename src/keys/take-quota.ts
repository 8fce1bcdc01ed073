import type { Executor } from '../db/connect.ts';
import type { RateLimit } from '../wire.ts';

export interface Quota {
  isAllowed: boolean;
  remaining: number;
  /** Until more can be had: as much as was refused, or anything at all. */
  waitMs: number;
}

/** Takes so many requests from what a key may still make, over all nodes: all or none. */
export async function takeQuota(
  executor: Executor,
  { id, rate }: { id: string; rate: RateLimit },
  cost: number,
): Promise<Quota> {
  const { rows } = await executor.query<{ allowed: boolean; remaining: number; wait_ms: string }>({
    name: 'lovage_take_quota',
    text: 'SELECT allowed, remaining, wait_ms FROM lovage.take_quota($1, $2, $3, $4)',
    values: [id, rate.limit, rate.periodMs, cost],
  });
  const [row] = rows;
  if (!row) throw new Error(`the quota of key ${id} could not be told`);
  return { isAllowed: row.allowed, remaining: row.remaining, waitMs: Number(row.wait_ms) };
}
