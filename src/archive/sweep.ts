import type { Executor } from '../db/connect.ts';
import { sweepKeyBatch, type SweepPlace } from '../queue/sweep-keys.ts';
import type { Steps } from './move.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const BATCH = 1_000;
const JOBS_AT_MOST = 5_000;

/** What has only its age: how long it is kept. */
export interface Ages {
  auditMs?: number | undefined;
  deliveriesMs?: number | undefined;
}

export interface Swept {
  /** Rows that are left in pg-boss's tables of what psql ended. */
  jobs: number;
  /** Idempotency and dedupe keys. */
  keys: number;
  audit: number;
  deliveries: number;
  runs: number;
  workers: number;
  batches: number;
}

/** Removes what nobody needs any more beside tasks, in bounded batches. */
export async function sweepRest(
  executor: Executor,
  { auditMs = 400 * DAY_MS, deliveriesMs = 90 * DAY_MS }: Ages,
  { signal }: Steps = {},
): Promise<Swept> {
  const swept: Swept = { jobs: 0, keys: 0, audit: 0, deliveries: 0, runs: 0, workers: 0, batches: 0 };
  await repeat(signal, async () => {
    const { rows } = await executor.query<{ removed: number }>(
      'SELECT lovage.sweep_jobs($1)::int AS removed',
      [JOBS_AT_MOST],
    );
    swept.jobs += rows[0]?.removed ?? 0;
    return (rows[0]?.removed ?? 0) >= JOBS_AT_MOST;
  });
  let place: SweepPlace = null;
  await repeat(signal, async () => {
    const { swept: removed, next } = await sweepKeyBatch(executor, place, BATCH);
    swept.keys += removed;
    place = next;
    return next !== null || removed >= BATCH;
  });
  await repeat(signal, async () => {
    const { rows } = await executor.query<Omit<Swept, 'jobs' | 'keys'>>(
      'SELECT audit, deliveries, runs, workers, batches FROM lovage.sweep_old($1, $2, $3)',
      [auditMs, deliveriesMs, BATCH],
    );
    const removed = Object.entries(rows[0] ?? {}) as [keyof Swept, number][];
    for (const [kind, count] of removed) swept[kind] += count;
    return removed.some(([, count]) => count >= BATCH);
  });
  return swept;
}

async function repeat(signal: AbortSignal | undefined, isMore: () => Promise<boolean>): Promise<void> {
  const isStopped = () => signal?.aborted === true;
  while (!isStopped() && (await isMore()));
}
