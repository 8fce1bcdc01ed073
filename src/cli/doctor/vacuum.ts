import type pg from 'pg';
import type { Finding } from './finding.ts';

export async function examineVacuum(pool: pg.Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{ kind: string; who: string; since: Date | null }>(
    'SELECT kind, who, since FROM lovage.vacuum_holders()',
  );
  if (rows.length === 0) return [{ state: 'good', what: 'nothing holds vacuum back' }];
  return rows.map(({ kind, who, since }) => ({
    state: 'bad',
    what: `vacuum is held back${since ? ` since ${since.toISOString()}` : ''} by ${who}`,
    remedy: HOLDER_REMEDIES[kind]?.(who) ?? 'end it',
  }));
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const nameIn = (who: string): string => /"(.*)"/s.exec(who)?.[1] ?? who;

/** Made of who holds it, so that they can be typed as they stand. */
const HOLDER_REMEDIES: Record<string, (who: string) => string> = {
  transaction: (who) =>
    `SELECT pg_terminate_backend(${/^pid (\d+)/.exec(who)?.[1] ?? 'PID'}); and idle_in_transaction_session_timeout for the next one`,
  prepared: (who) => `ROLLBACK PREPARED ${literal(nameIn(who))}; or COMMIT PREPARED, as its owner says`,
  slot: (who) => `SELECT pg_drop_replication_slot(${literal(nameIn(who))}); where nobody needs it any more`,
  standby: () => 'end the long query on the standby, or set hot_standby_feedback = off there',
};
