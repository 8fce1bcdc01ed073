import { eq } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { findOwned, type Found } from '../rows/find-owned.ts';
import { exports, patientProfiles } from '../schema/index.ts';

type Export = typeof exports.$inferSelect & { patientName: string };

/** With the patient's name as it is today. */
export async function findExport(
  db: NodePgDatabase,
  key: { id: string; tenant: string },
): Promise<Found<Export>> {
  const found = await findOwned(db, exports, key);
  if ('missing' in found) return found;
  const [patient] = await db
    .select({ name: patientProfiles.name })
    .from(patientProfiles)
    .where(eq(patientProfiles.id, found.row.patientId));
  return { row: { ...found.row, patientName: patient?.name ?? '' } };
}
