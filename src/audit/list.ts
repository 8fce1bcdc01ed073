import type { Executor } from '../db/connect.ts';
import { reachOf, type Reaching } from '../keys/reach.ts';
import { readCursor, writeCursor } from '../tasks/list.ts';
import type { Page } from '../wire.ts';
import type { AuditView } from '../wire/audit.ts';

export interface AuditRequest {
  /** Default: all that the caller reaches. */
  tenant?: string | undefined;
  actor?: string | undefined;
  action?: string | undefined;
  target?: string | undefined;
  /** ISO 8601, inclusive. */
  since?: string | undefined;
  /** ISO 8601, exclusive. */
  until?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

const DEFAULT_PAGE = 50;

/** Who did what, the newest first. */
export async function listAudit(
  executor: Executor,
  caller: Reaching,
  { tenant, cursor, limit = DEFAULT_PAGE, ...filter }: AuditRequest = {},
): Promise<Page<AuditView>> {
  const before = cursor === undefined ? undefined : readCursor(cursor);
  // Only what is asked for is in the statement, so that each is planned for what it is.
  const conditions: [string, string | null | undefined][] = [
    ['tenant =', reachOf(caller, tenant)],
    ['id <', before],
    ['actor =', filter.actor],
    ['action =', filter.action],
    ['target =', filter.target],
    ['at >=', filter.since],
    ['at <', filter.until],
  ];
  const given = conditions.filter(([, value]) => value !== undefined && value !== null);
  const where = ['true', ...given.map(([test], index) => `${test} $${index + 2}`)].join(' AND ');
  const { rows } = await executor.query<Omit<AuditView, 'at'> & { at: Date }>(
    `SELECT id, at, tenant, actor, action, target, outcome, ip, request_id AS "requestId", detail
     FROM lovage.audit_log WHERE ${where} ORDER BY id DESC LIMIT $1`,
    [limit + 1, ...given.map(([, value]) => value)],
  );
  const items = rows.slice(0, limit).map((row) => ({ ...row, at: row.at.toISOString() }));
  return { items, nextCursor: rows.length > limit ? writeCursor(items.at(-1)?.id ?? '') : null };
}
