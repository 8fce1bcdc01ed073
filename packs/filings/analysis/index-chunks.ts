import { classify } from './classify.ts';
import { indexVectors } from './find-closest.ts';
import type { Chunk, Label, PriorChunk } from './types.ts';
import { buildIdf, vectorize, type Idf, type Vector } from './vectorize.ts';

const yearsBack = 3;
const reuseSimilarity = 0.8;

export interface ClosestPrior {
  id: string;
  year: number;
  /** TF-IDF cosine, 0..1. */
  similarity: number;
}

export interface IndexedChunk extends Chunk, Label {
  vector: Vector;
  /** The chunk of the three years before that resembles it most; null where there is none at all. */
  closest: ClosestPrior | null;
  /** The same within the latest of those years. */
  closestInLastYear: ClosestPrior | null;
}

export interface ChunkIndex {
  idf: Idf;
  chunks: IndexedChunk[];
}

/**
 * Gives each chunk its vector, its closest chunks of the three years before, and its category: that of the closest
 * chunk where the two are nearly the same, so that labels stay put from year to year, else by keywords.
 */
export function indexChunks(filing: { year: number; chunks: Chunk[]; prior: PriorChunk[] }): ChunkIndex {
  const prior = filing.prior.filter(({ year }) => year < filing.year && year >= filing.year - yearsBack);
  const lastYear = Math.max(...new Set(prior.map(({ year }) => year)));
  const idf = buildIdf([...filing.chunks, ...prior].map(({ text }) => text));
  const items = prior.map((item) => ({ item, vector: vectorize(item.text, idf) }));
  const findClosest = indexVectors(items);
  const findInLastYear = indexVectors(items.filter(({ item }) => item.year === lastYear));

  const chunks = filing.chunks.map((chunk) => {
    const vector = vectorize(chunk.text, idf);
    const closest = findClosest(vector);
    const inLastYear = findInLastYear(vector);
    return {
      ...chunk,
      ...label(chunk, closest),
      vector,
      closest: closest && { id: closest.item.id, year: closest.item.year, similarity: closest.similarity },
      closestInLastYear: inLastYear && {
        id: inLastYear.item.id,
        year: inLastYear.item.year,
        similarity: inLastYear.similarity,
      },
    };
  });
  return { idf, chunks };
}

function label(chunk: Chunk, closest: { item: PriorChunk; similarity: number } | null): Label {
  if (!closest || closest.similarity < reuseSimilarity) return classify(chunk.text, chunk.factor);
  const category_confidence = Math.round(closest.similarity * 1000) / 1000;
  return { category: closest.item.category, category_confidence, classification_method: 'reused' };
}
