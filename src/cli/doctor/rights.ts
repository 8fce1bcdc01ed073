import type pg from 'pg';
import type { Finding } from './finding.ts';

/** Of a role that may too little every other question would be an error: what it lacks, and the statements that mend it. */
export async function examineRights(pool: pg.Pool): Promise<Finding | undefined> {
  const { rows } = await pool.query<{ role: string; grants: string[] | null }>(
    `SELECT quote_ident(current_user) AS role, array_agg(g.statement) AS grants FROM (
       SELECT format('GRANT USAGE ON SCHEMA %I', n.nspname) AS statement FROM pg_namespace n
       WHERE n.nspname IN ('lovage', 'pgboss') AND NOT has_schema_privilege(n.oid, 'USAGE')
       UNION ALL
       SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I', n.nspname) FROM pg_namespace n
       WHERE n.nspname IN ('lovage', 'pgboss') AND EXISTS (
         SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
           AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                    AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')))
       UNION ALL
       SELECT format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I', n.nspname) FROM pg_namespace n
       WHERE n.nspname IN ('lovage', 'pgboss') AND EXISTS (
         SELECT FROM pg_proc p WHERE p.pronamespace = n.oid AND NOT has_function_privilege(p.oid, 'EXECUTE'))) g`,
  );
  const [{ role, grants } = { role: '', grants: null }] = rows;
  if (grants === null) return undefined;
  return {
    state: 'bad',
    what: `the role ${role} lacks rights on the schemas of Lovage and pg-boss`,
    remedy: grants.map((grant) => `${grant} TO ${role}`).join('; '),
  };
}
