import type { IndexedChunk } from '../analysis/index-chunks.ts';
import type { Labeller } from '../services/labeller.ts';

/** Asks the model about what was not taken over from an earlier year; where it has no answer, the keywords' label stays. */
export async function labelChunks(
  labeller: Labeller,
  chunks: readonly IndexedChunk[],
  { signal, log }: { signal: AbortSignal; log: (message: string) => void },
): Promise<IndexedChunk[]> {
  const asked = chunks.filter(({ classification_method }) => classification_method === 'keyword');
  const labels = await labeller.label(
    asked.map(({ id, text, factor }) => ({ id, text, factor })),
    signal,
  );
  if (labels.size < asked.length)
    log(
      `The classification service labelled ${labels.size} of ${asked.length} passages; keywords did the rest`,
    );
  return chunks.map((chunk) => ({ ...chunk, ...labels.get(chunk.id) }));
}
