import { classify } from './classify.ts';
import { indexEmbeddings } from './find-closest-embedding.ts';
import { indexVectors, type Closest } from './find-closest.ts';
import type { Chunk, Label, PriorChunk } from './types.ts';
import { buildIdf, vectorize, type Idf, type Vector } from './vectorize.ts';

const yearsBack = 3;
const reuseSimilarity = 0.8;

export interface ClosestPrior {
  id: string;
  year: number;
  /** Cosine, 0..1: of embeddings where there are any, else of TF-IDF vectors. */
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

/** Vectors of length 1 by chunk id, for a filing's own chunks and the earlier ones. */
export type Embeddings = ReadonlyMap<string, readonly number[]>;

export interface FilingToIndex {
  year: number;
  chunks: Chunk[];
  prior: PriorChunk[];
  /** Compared in place of TF-IDF vectors. */
  embeddings?: Embeddings | undefined;
}

/**
 * Gives each chunk its vector, its closest chunks of the three years before, and its category: that of the closest
 * chunk where the two are nearly the same, so that labels stay put from year to year, else by keywords.
 */
export function indexChunks(filing: FilingToIndex): ChunkIndex {
  const prior = filing.prior.filter(({ year }) => year < filing.year && year >= filing.year - yearsBack);
  const lastYear = Math.max(...new Set(prior.map(({ year }) => year)));
  const idf = buildIdf([...filing.chunks, ...prior].map(({ text }) => text));
  const among = (items: PriorChunk[]) =>
    filing.embeddings ? amongEmbeddings(items, filing.embeddings) : amongTerms(items, idf);
  const findClosest = among(prior);
  const findInLastYear = among(prior.filter(({ year }) => year === lastYear));

  const chunks = filing.chunks.map((chunk) => {
    const passage = { id: chunk.id, vector: vectorize(chunk.text, idf) };
    const closest = findClosest(passage);
    return {
      ...chunk,
      ...label(chunk, closest),
      vector: passage.vector,
      closest: describe(closest),
      closestInLastYear: describe(findInLastYear(passage)),
    };
  });
  return { idf, chunks };
}

type FindClosest = (passage: { id: string; vector: Vector }) => Closest<PriorChunk> | null;

function amongTerms(items: PriorChunk[], idf: Idf): FindClosest {
  const find = indexVectors(items.map((item) => ({ item, vector: vectorize(item.text, idf) })));
  return ({ vector }) => find(vector);
}

function amongEmbeddings(items: PriorChunk[], embeddings: Embeddings): FindClosest {
  const find = indexEmbeddings(items.map((item) => ({ item, embedding: embeddings.get(item.id) ?? [] })));
  return ({ id }) => find(embeddings.get(id) ?? []);
}

function describe(closest: Closest<PriorChunk> | null): ClosestPrior | null {
  return closest && { id: closest.item.id, year: closest.item.year, similarity: closest.similarity };
}

function label(chunk: Chunk, closest: Closest<PriorChunk> | null): Label {
  if (!closest || closest.similarity < reuseSimilarity) return classify(chunk.text, chunk.factor);
  const category_confidence = Math.round(closest.similarity * 1000) / 1000;
  return { category: closest.item.category, category_confidence, classification_method: 'reused' };
}
