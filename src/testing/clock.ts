import type pg from 'pg';

/**
 * As if so many milliseconds had passed: every time that Lovage has stored moves into the past. What waits for a time comes
 * nearer, what has a time to live gets older. Time limits of attempts that run are by the real clock.
 */
export async function advanceClock(pool: pg.Pool, ms: number): Promise<void> {
  if (!(ms >= 0 && Number.isFinite(ms))) throw new RangeError(`time goes forward only, got ${ms} ms`);
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT FROM pgboss.job ORDER BY id FOR UPDATE');
    for (const { text } of (await client.query<{ text: string }>(MOVE_ALL)).rows)
      await client.query(text, [ms]);
    await client.query("SELECT pg_notify('lovage_ready', queue) FROM lovage.queue_control");
    await client.query("SELECT pg_notify('lovage_schedule', '')");
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
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
