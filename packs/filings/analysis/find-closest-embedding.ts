import type { Closest } from './find-closest.ts';

/** Looks up the nearest of many vectors of length 1 by their cosine; the first wins among equals. */
export function indexEmbeddings<Item>(
  items: { item: Item; embedding: readonly number[] }[],
): (embedding: readonly number[]) => Closest<Item> | null {
  return (embedding) => {
    let closest: Closest<Item> | null = null;
    for (const { item, embedding: other } of items) {
      const similarity = Math.min(1, Math.max(0, product(embedding, other)));
      if (closest === null || similarity > closest.similarity + 1e-12) closest = { item, similarity };
    }
    return closest;
  };
}

function product(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}
