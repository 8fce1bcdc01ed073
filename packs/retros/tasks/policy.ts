import { threeRetries } from '../../services/three-retries.ts';

const MINUTE_MS = 60_000;

/** What the three tasks have in common: three retries, of what may pass by itself only; limits and results as long as before. */
export const policy = {
  ...threeRetries,
  softLimitMs: 25 * MINUTE_MS,
  hardLimitMs: 30 * MINUTE_MS,
  resultTtlMs: 60 * MINUTE_MS,
} as const;
