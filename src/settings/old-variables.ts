import type { Log } from '../log.ts';
import { wholeNumber } from './whole-number.ts';

/** Timers run no longer than 24 days. */
const limitS = wholeNumber(1, 2_147_483).optional();
const TEN_YEARS_S = 3650 * 24 * 60 * 60;

/** What a system that ran on Celery has in its environment, under the names that it has there. */
export const oldVariables = {
  CELERY_WORKER_CONCURRENCY: wholeNumber(1, 10_000).optional(),
  CELERY_WORKER_MAX_TASKS_PER_CHILD: wholeNumber(1, 1_000_000_000).optional(),
  CELERY_TASK_TIME_LIMIT: limitS,
  CELERY_TASK_SOFT_TIME_LIMIT: limitS,
  /** There 0 is never. */
  CELERY_RESULT_EXPIRES: wholeNumber(0, TEN_YEARS_S)
    .transform((seconds) => seconds || TEN_YEARS_S)
    .optional(),
};

const IGNORED = ['CELERY_BROKER_URL', 'CELERY_RESULT_BACKEND', 'REDIS_URL'];

/** Says once of each address of a broker or a store that nothing is there any more. They hold passwords: only the name is told. */
export function warnOfIgnored(env: NodeJS.ProcessEnv, log: Log): void {
  for (const variable of IGNORED)
    if (env[variable]) log.warn({ variable }, `${variable} is ignored: Postgres is broker and store`);
}
