import { and, asc, eq, gte, lt, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Risk } from './analysis/describe-risk.ts';
import type { IndexedChunk } from './analysis/index-chunks.ts';
import type { PriorChunk } from './analysis/types.ts';
import { chunk, filing, marketCap } from './schema.ts';

const YEARS_BACK = 3;
const ROWS_A_STATEMENT = 500;

export interface FilingKey {
  ticker: string;
  year: number;
}

/** Chunks of the company's filings of the three years before, oldest first. */
export async function readPriorChunks(
  db: NodePgDatabase,
  { ticker, year }: FilingKey,
): Promise<PriorChunk[]> {
  return db
    .select({ id: chunk.id, year: chunk.year, text: chunk.text, category: chunk.category })
    .from(chunk)
    .where(and(eq(chunk.ticker, ticker), gte(chunk.year, year - YEARS_BACK), lt(chunk.year, year)))
    .orderBy(asc(chunk.year), asc(chunk.index));
}

/** In dollars, null where nobody entered it. */
export async function readMarketCap(db: NodePgDatabase, ticker: string): Promise<number | null> {
  const [row] = await db.select().from(marketCap).where(eq(marketCap.ticker, ticker));
  return row?.value ?? null;
}

/** Puts a filing and its chunks in the place of what was stored for that year: run twice, it leaves the same rows. */
export async function storeIndex(
  db: NodePgDatabase,
  key: FilingKey,
  read: { checksum: string; item1a: string; item1aFound: boolean; taskId: string },
  chunks: readonly IndexedChunk[],
): Promise<void> {
  await db.transaction(async (tx) => {
    // The filing's row is the lock: of two analyses of one filing the later one waits.
    await tx
      .insert(filing)
      .values({ ...key, ...read })
      .onConflictDoUpdate({
        target: [filing.ticker, filing.year],
        set: { ...read, risks: null, updatedAt: sql`now()` },
      });
    await tx.delete(chunk).where(and(eq(chunk.ticker, key.ticker), eq(chunk.year, key.year)));
    const rows = chunks.map(({ vector, ...indexed }) => ({
      id: indexed.id,
      ...key,
      index: indexed.index,
      factor: indexed.factor,
      section: indexed.section,
      text: indexed.text,
      terms: vector.terms,
      weights: vector.weights,
      category: indexed.category,
      categoryConfidence: indexed.category_confidence,
      classificationMethod: indexed.classification_method,
    }));
    for (let at = 0; at < rows.length; at += ROWS_A_STATEMENT) {
      await tx.insert(chunk).values(rows.slice(at, at + ROWS_A_STATEMENT));
    }
  });
}

export async function storeRisks(
  db: NodePgDatabase,
  { ticker, year }: FilingKey,
  risks: Risk[],
): Promise<void> {
  await db
    .update(filing)
    .set({ risks, updatedAt: sql`now()` })
    .where(and(eq(filing.ticker, ticker), eq(filing.year, year)));
}
