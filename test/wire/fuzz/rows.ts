import type { Lab } from '../../lab.ts';

/** Written whatever comes of a request, or by nobody's request: the audit, the clock of a key, workers. */
const ASIDE = new Set(['audit_log', 'api_key', 'worker', 'server_start']);

/** Tells whether anything was written: the rows of every table, and the youngest transaction in them. */
export async function openLedger({ sql }: Pick<Lab, 'sql'>): Promise<() => Promise<string>> {
  const tables = await sql<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables
     WHERE table_schema = 'lovage' AND table_type = 'BASE TABLE' ORDER BY table_name`,
  );
  const names = [
    ...tables
      .map(({ name }) => name)
      .filter((name) => !ASIDE.has(name))
      .map((name) => `lovage."${name}"`),
    'pgboss.job',
  ];
  const counted = names.map(
    (name) =>
      `SELECT '${name}' AS name, count(*)::text || '@' || coalesce(max(xmin::text::bigint), 0) AS state FROM ${name}`,
  );
  const all = `SELECT string_agg(name || ' ' || state, E'\\n' ORDER BY name) AS ledger FROM (${counted.join(' UNION ALL ')}) t`;
  let last = { transaction: '', ledger: '' };
  return async () => {
    // Who writes takes a number; where none was taken since, nobody has written.
    const [now] = await sql<{ at: string }>('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS at');
    if (now?.at !== last.transaction) {
      last = { transaction: now?.at ?? '', ledger: (await sql<{ ledger: string }>(all))[0]?.ledger ?? '' };
    }
    return last.ledger;
  };
}
