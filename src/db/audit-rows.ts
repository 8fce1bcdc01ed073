import type { ErrorCode } from '../errors.ts';

/** A line of the audit log on its way into Postgres. */
export interface AuditRow {
  id: string;
  /** How long ago it was. */
  ageMs: number;
  tenant: string;
  actor: string;
  action: string;
  target: string | null;
  outcome: 'ok' | ErrorCode;
  ip: string | undefined;
  requestId: string | undefined;
  detail: Record<string, unknown>;
}

/**
 * Inserts the JSON list of rows that is the parameter of this name. One that is there already, since the answer to its COMMIT
 * was lost, stays as it is. In the order of their ids, so that two statements with the same rows wait and do not deadlock.
 */
export const insertAuditRows = (parameter: `$${number}`): string =>
  `INSERT INTO lovage.audit_log (id, at, tenant, actor, action, target, outcome, ip, request_id, detail)
   SELECT r.id, now() - r."ageMs" * interval '1 ms', r.tenant, r.actor, r.action, r.target, r.outcome, r.ip, r."requestId", r.detail
   FROM jsonb_to_recordset(${parameter}::jsonb) AS r (id uuid, "ageMs" double precision, tenant text, actor text, action text,
        target text, outcome text, ip text, "requestId" text, detail jsonb)
   ORDER BY r.id
   ON CONFLICT (id) DO NOTHING`;

export const writeAuditRow = (row: AuditRow): string =>
  JSON.stringify(row, (_key, value: unknown) => (typeof value === 'string' ? storable(value) : value));

/** Postgres takes neither NUL nor half a surrogate pair. */
const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD');
