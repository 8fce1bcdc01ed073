import { PgBoss } from 'pg-boss';
import type { Executor } from '../db/connect.ts';

/** pg-boss's schema; the journal's SQL names it too. */
export const BOSS_SCHEMA = 'pgboss';

/**
 * A pg-boss that keeps and hands out jobs and does nothing else: no supervision, no schedules, no
 * expiry. Retry, rescue and purging are Lovage's own.
 */
export function createBoss(executor: Executor, options: { migrate: boolean }): PgBoss {
  const boss = new PgBoss({
    db: { executeSql: async (text: string, values?: unknown[]) => executor.query(text, values) },
    schema: BOSS_SCHEMA,
    supervise: false,
    schedule: false,
    migrate: options.migrate,
  });
  return boss;
}
