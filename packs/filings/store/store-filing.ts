import { and, eq, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Risk } from '../analysis/describe-risk.ts';
import type { IndexedChunk } from '../analysis/index-chunks.ts';
import type { FilingKey } from './filing-key.ts';
import { chunk, filing } from './schema.ts';

const ROWS_A_STATEMENT = 500;

export interface FilingToStore {
  key: FilingKey;
  taskId: string;
  checksum: string;
  item1a: string;
  item1aFound: boolean;
  chunks: readonly IndexedChunk[];
  /** By chunk id, of that model; null where there are none. */
  embedded: { model: string; embeddings: ReadonlyMap<string, readonly number[]> } | null;
  /** Null: only indexed; what an analysis of the same HTML found is kept. */
  risks: Risk[] | null;
}

/**
 * Puts a filing and its chunks in the place of what was stored for that year, in the caller's transaction: run twice, it leaves the
 * same rows.
 */
export async function storeFiling(tx: NodePgDatabase, stored: FilingToStore): Promise<void> {
  const { key, taskId, checksum, item1a, item1aFound, risks } = stored;
  const row = { taskId, checksum, item1a, item1aFound };
  // The filing's row is the lock: of two analyses of one filing the later one waits.
  await tx
    .insert(filing)
    .values({ ...key, ...row, risks })
    .onConflictDoUpdate({
      target: [filing.tenant, filing.ticker, filing.year],
      set: {
        ...row,
        risks: risks ?? sql`CASE WHEN ${filing.checksum} = ${checksum} THEN ${filing.risks} END`,
        updatedAt: sql`now()`,
      },
    });
  await tx
    .delete(chunk)
    .where(and(eq(chunk.tenant, key.tenant), eq(chunk.ticker, key.ticker), eq(chunk.year, key.year)));
  const rows = stored.chunks.map((indexed) => toRow(indexed, stored));
  for (let at = 0; at < rows.length; at += ROWS_A_STATEMENT)
    await tx.insert(chunk).values(rows.slice(at, at + ROWS_A_STATEMENT));
}

function toRow(indexed: IndexedChunk, { key, embedded }: FilingToStore): typeof chunk.$inferInsert {
  const embedding = embedded?.embeddings.get(indexed.id);
  return {
    ...key,
    id: indexed.id,
    index: indexed.index,
    factor: indexed.factor,
    section: indexed.section,
    text: indexed.text,
    terms: indexed.vector.terms,
    weights: indexed.vector.weights,
    category: indexed.category,
    categoryConfidence: indexed.category_confidence,
    classificationMethod: indexed.classification_method,
    embedding: embedding ? [...embedding] : null,
    embeddingModel: embedding && embedded ? embedded.model : null,
  };
}
