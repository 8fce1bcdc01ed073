import { asc, inArray } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { procedures } from '../schema/index.ts';

export type Procedure = typeof procedures.$inferSelect;

/** In the order of the ids; those that do not exist are left out. */
export async function findProcedures(db: NodePgDatabase, ids: readonly string[]): Promise<Procedure[]> {
  const rows = await db
    .select()
    .from(procedures)
    .where(inArray(procedures.id, [...ids]));
  return ids.flatMap((id) => rows.find((row) => row.id === id) ?? []);
}

export const listProcedures = (db: NodePgDatabase): Promise<Procedure[]> =>
  db.select().from(procedures).orderBy(asc(procedures.category), asc(procedures.name));
