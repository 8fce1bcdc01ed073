import { sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';

/** So many days ago by the database's clock. */
export async function daysAgo(db: NodePgDatabase, days: number): Promise<Date> {
  const { rows } = await db.execute<{ at: Date | string }>(
    sql`SELECT now() - make_interval(days => ${days}) AS at`,
  );
  return new Date(rows[0]?.at ?? Number.NaN);
}

export const readNow = (db: NodePgDatabase): Promise<Date> => daysAgo(db, 0);
