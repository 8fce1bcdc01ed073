import type { Embeddings } from '../analysis/index-chunks.ts';
import type { Chunk } from '../analysis/types.ts';
import type { Embedder } from '../services/embedder.ts';
import type { StoredChunk } from '../store/read-prior-chunks.ts';

/**
 * Vectors of a filing's chunks and of the earlier ones. Those that were indexed without this model, or when it had another
 * dimension, are embedded now, so that all can be compared.
 */
export async function embedChunks(
  embedder: Embedder,
  { chunks, prior }: { chunks: readonly Chunk[]; prior: readonly StoredChunk[] },
  signal: AbortSignal,
): Promise<Embeddings> {
  if (chunks.length === 0) return new Map();
  const own = await embedAll(embedder, chunks, signal);
  const dimension = own.get(chunks[0]?.id ?? '')?.length;
  const stored = prior.filter(({ embedding }) => embedding?.length === dimension);
  const kept = new Set(stored);
  const missing = prior.filter((chunk) => !kept.has(chunk));
  return new Map([
    ...own,
    ...stored.map(({ id, embedding }) => [id, embedding ?? []] as const),
    ...(await embedAll(embedder, missing, signal)),
  ]);
}

async function embedAll(
  embedder: Embedder,
  chunks: readonly { id: string; text: string }[],
  signal: AbortSignal,
): Promise<Map<string, number[]>> {
  const vectors = await embedder.embed(
    chunks.map(({ text }) => text),
    signal,
  );
  return new Map(chunks.map(({ id }, at) => [id, vectors[at] ?? []]));
}
