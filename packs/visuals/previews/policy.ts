import { threeRetries } from '../../services/three-retries.ts';

const MINUTE_MS = 60_000;

/** What every task of this pack has in common. */
export const policy = {
  ...threeRetries,
  softLimitMs: 4 * MINUTE_MS,
  hardLimitMs: 5 * MINUTE_MS,
  resultTtlMs: 60 * MINUTE_MS,
  isolation: 'process',
} as const;
