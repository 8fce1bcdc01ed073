import type { ClosestPrior } from './index-chunks.ts';
import type { Score } from './types.ts';

/** One less the likeness to the closest passage of the three years before; 1 where there are no such filings. */
export function scoreNovelty(closest: ClosestPrior | null): Score {
  if (!closest)
    return {
      value: 1,
      explanation: 'No filing of the three years before to compare with: counted as new (1.00).',
    };
  const value = Math.round((1 - closest.similarity) * 10_000) / 10_000;
  const where = `chunk ${closest.id} of ${closest.year}, similarity ${closest.similarity.toFixed(2)}`;
  return { value, explanation: `${describe(value)} (${value.toFixed(2)}): closest is ${where}.` };
}

function describe(value: number): string {
  if (value < 0.05) return 'Unchanged';
  if (value < 0.2) return 'Reworded';
  return value < 0.5 ? 'Partly new' : 'New';
}
