import type { Executor } from '../db/connect.ts';
import type { AuditEntry } from './entry.ts';

/** An entry that waits to be written, and since when. */
export interface AuditRow {
  id: string;
  entry: AuditEntry;
  madeAt: number;
}

/** Writes all in one statement. One that is there already, since the answer to its COMMIT was lost, stays as it is. */
export async function insertRows(executor: Executor, rows: readonly AuditRow[]): Promise<void> {
  const now = performance.now();
  const records = rows.map(({ id, entry, madeAt }) => ({
    id,
    age_ms: Math.round(now - madeAt),
    tenant: entry.caller.tenant,
    actor: entry.caller.actor,
    action: entry.action,
    target: entry.target,
    outcome: entry.outcome,
    ip: entry.caller.origin?.ip,
    request_id: entry.caller.origin?.requestId,
    detail: entry.detail,
  }));
  await executor.query({
    name: 'lovage_audit',
    text: `INSERT INTO lovage.audit_log (id, at, tenant, actor, action, target, outcome, ip, request_id, detail)
           SELECT r.id, now() - r.age_ms * interval '1 ms', r.tenant, r.actor, r.action, r.target, r.outcome, r.ip, r.request_id, r.detail
           FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, age_ms double precision, tenant text, actor text, action text,
                target text, outcome text, ip text, request_id text, detail jsonb)
           ON CONFLICT (id) DO NOTHING`,
    values: [
      JSON.stringify(records, (_key, value: unknown) =>
        typeof value === 'string' ? storable(value) : value,
      ),
    ],
  });
}

/** Postgres takes neither NUL nor half a surrogate pair. */
const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD');
