import type { Vector } from './vectorize.ts';

export interface Closest<Item> {
  item: Item;
  /** Cosine, 0..1. */
  similarity: number;
}

/** Looks up the nearest of many vectors by their shared terms only; the first wins among equals. */
export function indexVectors<Item>(
  items: { item: Item; vector: Vector }[],
): (vector: Vector) => Closest<Item> | null {
  const postings = new Map<string, { at: number; weight: number }[]>();
  for (const [at, { vector }] of items.entries()) {
    for (const [i, term] of vector.terms.entries()) {
      const posting = { at, weight: vector.weights[i] ?? 0 };
      const known = postings.get(term);
      if (known) known.push(posting);
      else postings.set(term, [posting]);
    }
  }
  return (vector) => {
    const sums = new Float64Array(items.length);
    for (const [i, term] of vector.terms.entries()) {
      const weight = vector.weights[i] ?? 0;
      for (const posting of postings.get(term) ?? [])
        sums[posting.at] = (sums[posting.at] ?? 0) + weight * posting.weight;
    }
    let best = 0;
    for (let at = 1; at < sums.length; at += 1) if ((sums[at] ?? 0) > (sums[best] ?? 0) + 1e-12) best = at;
    const found = items[best];
    return found ? { item: found.item, similarity: Math.min(1, sums[best] ?? 0) } : null;
  };
}
