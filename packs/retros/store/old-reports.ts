import { and, count, eq, lt, ne, or, type SQL } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { analysisReport } from '../schema.ts';

/** Reports from before `own` of this tenant and, where `others` is given, from before that of all others. */
export interface Cutoff {
  tenant: string;
  own: Date;
  others: Date | null;
}

export async function countOldReports(db: NodePgDatabase, cutoff: Cutoff): Promise<number> {
  const [row] = await db.select({ reports: count() }).from(analysisReport).where(isOld(cutoff));
  return row?.reports ?? 0;
}

/** Hypotheses and experiments go with them, by their foreign keys. */
export async function deleteOldReports(db: NodePgDatabase, cutoff: Cutoff): Promise<void> {
  await db.delete(analysisReport).where(isOld(cutoff));
}

function isOld({ tenant, own, others }: Cutoff): SQL | undefined {
  const { tenant: owner, reportDate } = analysisReport;
  const ofTenant = and(eq(owner, tenant), lt(reportDate, own));
  return others === null ? ofTenant : or(ofTenant, and(ne(owner, tenant), lt(reportDate, others)));
}
