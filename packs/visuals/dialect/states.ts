import type { Dialect } from 'lovage';

/** The words of Celery; an expired task was given up before it began. */
export const states: Dialect['states'] = {
  queued: 'PENDING',
  scheduled: 'PENDING',
  running: 'PROCESSING',
  waiting: 'PROCESSING',
  retrying: 'RETRY',
  succeeded: 'SUCCESS',
  failed: 'FAILURE',
  cancelled: 'REVOKED',
  expired: 'REVOKED',
};
