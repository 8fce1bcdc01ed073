import type pg from 'pg';
import { inTransaction } from '../db/in-transaction.ts';

/**
 * As if so many milliseconds had passed: every time that Lovage has stored moves into the past. What waits for a time comes
 * nearer, what has a time to live gets older. Time limits of attempts that run are by the real clock.
 */
export async function advanceClock(pool: pg.Pool, ms: number): Promise<void> {
  if (!(ms >= 0 && Number.isFinite(ms))) throw new RangeError(`time goes forward only, got ${ms} ms`);
  await inTransaction(pool, async (tx) => {
    await tx.query('SELECT FROM pgboss.job ORDER BY id FOR UPDATE');
    for (const { text } of (await tx.query<{ text: string }>(MOVE_ALL)).rows) await tx.query(text, [ms]);
    await tx.query("SELECT pg_notify('lovage_ready', queue) FROM lovage.queue_control");
    await tx.query("SELECT pg_notify('lovage_schedule', '')");
  });
}

/** Tasks go before their jobs, so that the journal finds nothing changed. Workers live by the real clock. */
const MOVE_ALL = `
  SELECT format('UPDATE %I.%I SET %s', c.table_schema, c.table_name,
                string_agg(format('%1$I = %1$I - $1 * interval ''1 ms''', c.column_name), ', ')) AS text
  FROM information_schema.columns c
  JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
  WHERE t.table_type = 'BASE TABLE' AND c.data_type = 'timestamp with time zone'
    AND (c.table_schema = 'lovage' AND c.table_name NOT IN ('worker', 'server_start')
         OR c.table_schema = 'pgboss' AND c.table_name = 'job' AND c.column_name IN ('start_after', 'created_on', 'started_on'))
  GROUP BY c.table_schema, c.table_name
  ORDER BY c.table_schema`;
