import type { RunContext } from 'lovage';
import { indexChunks, type ChunkIndex } from '../analysis/index-chunks.ts';
import type { Chunk } from '../analysis/types.ts';
import { readEnvironment } from '../environment.ts';
import { createEmbedder } from '../services/embedder.ts';
import { createLabeller } from '../services/labeller.ts';
import type { FilingKey } from '../store/filing-key.ts';
import { readPriorChunks } from '../store/read-prior-chunks.ts';
import type { FilingToStore } from '../store/store-filing.ts';
import { embedChunks } from './embed-chunks.ts';
import { labelChunks } from './label-chunks.ts';

export interface FilingIndex extends ChunkIndex, Pick<FilingToStore, 'embedded'> {
  latencyMs: number;
}

/** Vectors, the closest passages of the three years before, and labels: by the services that are configured, else offline. */
export async function buildIndex(
  { db, signal, log }: Pick<RunContext<unknown>, 'db' | 'signal' | 'log'>,
  key: FilingKey,
  chunks: Chunk[],
): Promise<FilingIndex> {
  const startedAt = performance.now();
  const environment = readEnvironment();
  const embedder = createEmbedder(environment);
  const labeller = createLabeller(environment);
  const prior = await readPriorChunks(db, key, embedder?.model ?? null);
  const embeddings = embedder ? await embedChunks(embedder, { chunks, prior }, signal) : undefined;
  const index = indexChunks({ year: key.year, chunks, prior, embeddings });
  return {
    idf: index.idf,
    chunks: labeller ? await labelChunks(labeller, index.chunks, { signal, log }) : index.chunks,
    embedded: embedder && embeddings ? { model: embedder.model, embeddings } : null,
    latencyMs: Math.round(performance.now() - startedAt),
  };
}
