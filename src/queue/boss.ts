import { PgBoss } from 'pg-boss';
import type { Executor } from '../db/connect.ts';
import type { Log } from '../log.ts';

/**
 * A pg-boss that keeps and hands out jobs and does nothing else: no supervision, no schedules, no
 * expiry. Retry, rescue and purging are Lovage's own.
 */
export async function startBoss(
  executor: Executor,
  options: { migrate: boolean; log?: Log },
): Promise<PgBoss> {
  const boss = new PgBoss({
    db: { executeSql: async (text: string, values?: unknown[]) => executor.query(text, values) },
    supervise: false,
    schedule: false,
    migrate: options.migrate,
    // Its cache holds only names of queues and their tables, which do not change.
    queueCacheIntervalSeconds: 3_600,
  });
  boss.on('error', (error: unknown) => options.log?.warn({ err: error }, 'pg-boss reported an error'));
  return boss.start();
}

/** Ends its timers; the connection stays its owner's. */
export const stopBoss = (boss: PgBoss): Promise<void> => boss.stop({ graceful: false, close: false });
