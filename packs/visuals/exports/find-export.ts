import { and, eq } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { z } from 'zod';
import { exports, patientProfiles } from '../schema/index.ts';

/** Undefined where this tenant has none of this id. */
export async function findExport(db: NodePgDatabase, tenant: string, id: string) {
  if (!z.guid().safeParse(id).success) return undefined;
  const [row] = await db
    .select({ export: exports, patientName: patientProfiles.name })
    .from(exports)
    .innerJoin(patientProfiles, eq(patientProfiles.id, exports.patientId))
    .where(and(eq(exports.id, id), eq(exports.tenant, tenant)));
  return row && { ...row.export, patientName: row.export.shareable ? null : row.patientName };
}
