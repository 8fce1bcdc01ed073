import { eq } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { AnyPgColumn, PgTable } from 'drizzle-orm/pg-core';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type OwnedTable = PgTable & { id: AnyPgColumn; tenant: AnyPgColumn };

export type Found<Row> = { row: Row } | { missing: 'unknown' | 'foreign' };

/** A row by its id, if it is this tenant's. */
export async function findOwned<Table extends OwnedTable>(
  db: NodePgDatabase,
  table: Table,
  { id, tenant }: { id: string; tenant: string },
): Promise<Found<Table['$inferSelect']>> {
  if (!UUID.test(id)) return { missing: 'unknown' };
  const owned: OwnedTable = table;
  const rows = await db.select().from(owned).where(eq(owned.id, id));
  const row = rows[0] as (Table['$inferSelect'] & { tenant: string }) | undefined;
  if (row === undefined) return { missing: 'unknown' };
  return row.tenant === tenant ? { row } : { missing: 'foreign' };
}
