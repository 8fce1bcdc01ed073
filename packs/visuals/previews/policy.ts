import { isTransient } from 'lovage';

const MINUTE_MS = 60_000;

/** What every task of this pack has in common. */
export const policy = {
  attempts: 4,
  backoff: { delaysMs: [MINUTE_MS, 2 * MINUTE_MS, 4 * MINUTE_MS] },
  retryIf: isTransient,
  softLimitMs: 4 * MINUTE_MS,
  hardLimitMs: 5 * MINUTE_MS,
  resultTtlMs: 60 * MINUTE_MS,
  isolation: 'process',
} as const;
