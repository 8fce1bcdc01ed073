import type pg from 'pg';
import type { Finding } from './finding.ts';

/**
 * Every start keeps the schemas up to date, which only their owner may, or who is a member of his: to any other role every other
 * question would be an error. The remedy is statements that the owner can type.
 */
export async function examineRights(pool: pg.Pool): Promise<Finding | undefined> {
  const { rows } = await pool.query<{ role: string; owners: string[]; grants: string[] }>(
    `WITH own AS (SELECT n.oid FROM pg_namespace n WHERE n.nspname IN ('lovage', 'pgboss', 'lovage_migrations')),
     owned (by) AS (
       SELECT n.nspowner FROM pg_namespace n JOIN own USING (oid)
       UNION SELECT c.relowner FROM pg_class c JOIN own ON own.oid = c.relnamespace
       UNION SELECT p.proowner FROM pg_proc p JOIN own ON own.oid = p.pronamespace)
     SELECT quote_ident(current_user) AS role,
            ARRAY(SELECT quote_ident(pg_get_userbyid(by)) FROM owned WHERE NOT pg_has_role(by, 'USAGE') ORDER BY 1) AS owners,
            ARRAY(SELECT format('GRANT CREATE ON DATABASE %I', current_database())
                  WHERE NOT has_database_privilege(current_database(), 'CREATE')) AS grants`,
  );
  const [{ role, owners, grants } = { role: '', owners: [], grants: [] }] = rows;
  const lacking = [...owners.map((owner) => `GRANT ${owner}`), ...grants];
  if (lacking.length === 0) return undefined;
  return {
    state: 'bad',
    what:
      owners.length > 0
        ? `the role ${role} lacks rights on the schemas of Lovage and pg-boss, which belong to ${owners.join(', ')}`
        : `the role ${role} may not make schemas in this database`,
    remedy: lacking.map((grant) => `${grant} TO ${role}`).join('; '),
  };
}
