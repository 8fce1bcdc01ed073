import { type AuditRow, insertAuditRows, writeAuditRow } from '../db/audit-rows.ts';
import type { Executor } from '../db/connect.ts';
import type { AuditEntry } from './entry.ts';

/** An entry that waits to be written, and since when. */
export interface KeptEntry {
  id: string;
  entry: AuditEntry;
  madeAt: number;
}

/** Writes all in one statement. */
export async function insertEntries(executor: Executor, kept: readonly KeptEntry[]): Promise<void> {
  const now = performance.now();
  const rows = kept.map(({ id, entry, madeAt }) => writeAuditRow(rowOf(id, entry, Math.round(now - madeAt))));
  await executor.query({
    name: 'lovage_audit',
    text: insertAuditRows('$1'),
    values: [`[${rows.join(',')}]`],
  });
}

export const rowOf = (id: string, { caller, ...entry }: AuditEntry, ageMs = 0): AuditRow => ({
  id,
  ageMs,
  tenant: caller.tenant,
  actor: caller.actor,
  action: entry.action,
  target: entry.target,
  outcome: entry.outcome,
  ip: caller.origin?.ip,
  requestId: caller.origin?.requestId,
  detail: entry.detail,
});
