import { readTerms } from './lexicon/read-terms.ts';
import { stopWords } from './lexicon/stop-words.ts';
import { readWords } from './read-words.ts';

/** How telling each term of a corpus is, by its inverse document frequency. */
export interface Idf {
  weights: Map<string, number>;
  /** For a term the corpus does not hold. */
  unseen: number;
}

/** A TF-IDF vector of length 1, as two columns of the same length: `terms text[]`, `weights real[]`. */
export interface Vector {
  terms: string[];
  weights: number[];
}

const ignored = new Set(readTerms(stopWords));
const maxTermLength = 40;

export function buildIdf(texts: string[]): Idf {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const term of new Set(readVectorTerms(text))) counts.set(term, (counts.get(term) ?? 0) + 1);
  const weigh = (count: number) => Math.log((1 + texts.length) / (1 + count)) + 1;
  return { weights: new Map([...counts].map(([term, count]) => [term, weigh(count)])), unseen: weigh(0) };
}

/** Terms are sorted, so that equal texts give equal arrays. */
export function vectorize(text: string, idf: Idf): Vector {
  const counts = new Map<string, number>();
  for (const term of readVectorTerms(text)) counts.set(term, (counts.get(term) ?? 0) + 1);
  const terms = [...counts.keys()].sort();
  const raw = terms.map(
    (term) => (1 + Math.log(counts.get(term) ?? 1)) * (idf.weights.get(term) ?? idf.unseen),
  );
  const length = Math.sqrt(raw.reduce((sum, weight) => sum + weight * weight, 0)) || 1;
  return { terms, weights: raw.map((weight) => weight / length) };
}

/** 0..1 for vectors of one corpus. */
export function cosine(a: Vector, b: Vector): number {
  let sum = 0;
  let j = 0;
  for (const [i, term] of a.terms.entries()) {
    while (j < b.terms.length && (b.terms[j] ?? '') < term) j += 1;
    if (b.terms[j] === term) sum += (a.weights[i] ?? 0) * (b.weights[j] ?? 0);
  }
  return Math.min(1, sum);
}

/** Numbers are left out: "fiscal 2025" in place of "fiscal 2024" makes nothing new. */
function readVectorTerms(text: string): string[] {
  return readWords(text).filter(
    (word) => word.length > 1 && word.length <= maxTermLength && !ignored.has(word) && !/\d/.test(word),
  );
}
