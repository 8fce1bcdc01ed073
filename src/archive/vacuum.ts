import pg from 'pg';
import type { Executor } from '../db/connect.ts';
import type { Log } from '../log.ts';

/** Who keeps vacuum from its work. */
export interface VacuumHolder {
  kind: 'transaction' | 'prepared' | 'slot' | 'standby';
  who: string;
  /** Null where Postgres knows no time, but only how many transactions ago. */
  since: string | null;
  transactions: number | null;
}

const ANALYZED_PARENTS = ['lovage.task_archive', 'pgboss.job'];

/** Looks for whoever holds vacuum back, writes it down where monitors read it, and warns. */
export async function watchVacuum(executor: Executor, log: Log): Promise<VacuumHolder[]> {
  const { rows } = await executor.query<{ holders: VacuumHolder[] }>(
    'SELECT lovage.note_vacuum_holders() AS holders',
  );
  const holders = rows[0]?.holders ?? [];
  for (const { kind, who, since, transactions } of holders) {
    log.warn({ kind, since, transactions }, `vacuum is held back by ${who}: tables grow until it ends`);
  }
  return holders;
}

/** Autovacuum never analyses a partitioned parent: once a day that is done here. Returns whether it was. */
export async function analyzeParents(executor: Executor, url: string): Promise<boolean> {
  const { rows } = await executor.query<{ isDue: boolean; version: number }>(
    `SELECT NOT EXISTS (SELECT FROM lovage.upkeep u WHERE u.subject = 'analyze' AND u.at BETWEEN now() - interval '1 day' AND now()) AS "isDue",
            current_setting('server_version_num')::int AS version`,
  );
  const [found] = rows;
  if (!found?.isDue) return false;
  await executor.query("SELECT lovage.note_upkeep('analyze', '{}')");
  // It may take longer than a worker's own connections wait for anything.
  const client = new pg.Client({ connectionString: url, application_name: 'lovage analyze' });
  await client.connect();
  try {
    // Before 18 each partition is read too.
    const only = found.version >= 180_000 ? 'ONLY ' : '';
    for (const parent of ANALYZED_PARENTS) await client.query(`ANALYZE ${only}${parent}`);
  } finally {
    await client.end();
  }
  return true;
}
