import { isTransient } from 'lovage';

const MINUTE_MS = 60_000;

/** The old systems' contract: three retries after 1, 2 and 4 minutes, of what may pass by itself only. */
export const threeRetries = {
  attempts: 4,
  backoff: { delaysMs: [MINUTE_MS, 2 * MINUTE_MS, 4 * MINUTE_MS] },
  retryIf: isTransient,
};
