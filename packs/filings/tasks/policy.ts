import { threeRetries } from '../../services/three-retries.ts';

const MINUTE_MS = 60 * 1000;

/** What all that reads a filing has in common. */
export const policy = {
  ...threeRetries,
  resultTtlMs: 60 * MINUTE_MS,
  softLimitMs: 14 * MINUTE_MS,
  hardLimitMs: 15 * MINUTE_MS,
  isolation: 'process' as const,
  /** One filing of a company at a time: each is weighed against the ones before. */
  concurrencyKey: ({ ticker }: { ticker: string }) => ticker,
};
