import { and, asc, eq, gte, lt, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { PriorChunk } from '../analysis/types.ts';
import type { FilingKey } from './filing-key.ts';
import { chunk } from './schema.ts';

const YEARS_BACK = 3;

export interface StoredChunk extends PriorChunk {
  /** By the model asked for; null where it was indexed without it. */
  embedding: number[] | null;
}

/** Chunks of the company's filings of the three years before, oldest first. */
export async function readPriorChunks(
  db: NodePgDatabase,
  { tenant, ticker, year }: FilingKey,
  model: string | null,
): Promise<StoredChunk[]> {
  return db
    .select({
      id: chunk.id,
      year: chunk.year,
      text: chunk.text,
      category: chunk.category,
      embedding: sql<
        number[] | null
      >`CASE WHEN ${chunk.embeddingModel} = ${model} THEN ${chunk.embedding} END`,
    })
    .from(chunk)
    .where(
      and(
        eq(chunk.tenant, tenant),
        eq(chunk.ticker, ticker),
        gte(chunk.year, year - YEARS_BACK),
        lt(chunk.year, year),
      ),
    )
    .orderBy(asc(chunk.year), asc(chunk.index));
}
