import { and, eq, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { FilingKey } from './filing-key.ts';
import { marketCap } from './schema.ts';

type Company = Omit<FilingKey, 'year'>;

/** In dollars, null where nobody entered it. */
export async function readMarketCap(db: NodePgDatabase, { tenant, ticker }: Company): Promise<number | null> {
  const [row] = await db
    .select({ value: marketCap.value })
    .from(marketCap)
    .where(and(eq(marketCap.tenant, tenant), eq(marketCap.ticker, ticker)));
  return row?.value ?? null;
}

export async function storeMarketCap(
  db: NodePgDatabase,
  { tenant, ticker }: Company,
  value: number,
): Promise<void> {
  await db
    .insert(marketCap)
    .values({ tenant, ticker, value })
    .onConflictDoUpdate({
      target: [marketCap.tenant, marketCap.ticker],
      set: { value, updatedAt: sql`now()` },
    });
}
