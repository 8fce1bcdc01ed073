import { and, asc, desc, eq, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Category } from '../analysis/types.ts';
import { chunk } from './schema.ts';

export interface Search {
  tenant: string;
  /** As in a search engine: words, "quoted phrases", or, -without. */
  words: string;
  ticker: string | undefined;
  limit: number;
}

export interface FoundChunk {
  chunk_id: string;
  ticker: string;
  filing_year: number;
  category: Category;
  text: string;
  rank: number;
}

/** The tenant's passages that hold the words, the fittest first. */
export async function searchChunks(
  db: NodePgDatabase,
  { tenant, words, ticker, limit }: Search,
): Promise<FoundChunk[]> {
  const wanted = sql`websearch_to_tsquery('english', ${words})`;
  const rank = sql<number>`ts_rank(${chunk.words}, ${wanted})`;
  return db
    .select({
      chunk_id: chunk.id,
      ticker: chunk.ticker,
      filing_year: chunk.year,
      category: chunk.category,
      text: chunk.text,
      rank,
    })
    .from(chunk)
    .where(
      and(
        eq(chunk.tenant, tenant),
        ticker === undefined ? undefined : eq(chunk.ticker, ticker),
        sql`${chunk.words} @@ ${wanted}`,
      ),
    )
    .orderBy(desc(rank), desc(chunk.year), asc(chunk.id))
    .limit(limit);
}
