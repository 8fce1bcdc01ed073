import { and, eq } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { z } from 'zod';
import { patientProfiles } from '../schema/index.ts';

export type Patient = typeof patientProfiles.$inferSelect;

/** Undefined where this tenant has none of this id. */
export async function findPatient(
  db: NodePgDatabase,
  tenant: string,
  id: string,
): Promise<Patient | undefined> {
  if (!z.guid().safeParse(id).success) return undefined;
  const [row] = await db
    .select()
    .from(patientProfiles)
    .where(and(eq(patientProfiles.id, id), eq(patientProfiles.tenant, tenant)));
  return row;
}
