import type pg from 'pg';
import type { Finding } from './finding.ts';

const SKEW_MS = 2_000;

export async function examineClock(pool: Pick<pg.Pool, 'query'>): Promise<Finding> {
  // A connection that is opened first costs time that is no difference of clocks.
  await pool.query('SELECT');
  const before = Date.now();
  const { rows } = await pool.query<{ version: string; at: number }>(
    `SELECT current_setting('server_version') AS version, extract(epoch FROM clock_timestamp())::float8 * 1000 AS at`,
  );
  const [{ version, at } = { version: '?', at: before }] = rows;
  return judgeClock(version, at, { before, after: Date.now() });
}

/** The server looked at its clock at some moment between ours: only what lies outside of that is a difference. */
export function judgeClock(
  version: string,
  at: number,
  { before, after }: { before: number; after: number },
): Finding {
  const skewMs = Math.round(Math.max(0, before - at, at - after));
  const what = `Postgres ${version} answers; its clock is ${skewMs} ms from this one`;
  if (skewMs <= SKEW_MS) return { state: 'good', what };
  return { state: 'note', what, remedy: 'set both clocks by NTP: times of tasks are those of the database' };
}
