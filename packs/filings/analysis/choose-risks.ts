import type { ScoredChunk } from './score-chunks.ts';
import { cosine } from './vectorize.ts';

const tooAlike = 0.8;

/**
 * The most severe chunks, severest first. Each should tell the reader something else: one per risk factor, no
 * neighbours (they overlap) and nothing said twice. Second chunks of a factor and boilerplate only fill up.
 */
export function chooseRisks(scored: ScoredChunk[], topK: number): ScoredChunk[] {
  const ranked = [...scored].sort(bySeverity);
  const chosen: ScoredChunk[] = [];
  const choose = (mayFollow: (chunk: ScoredChunk) => boolean) => {
    for (const chunk of ranked) {
      if (chosen.length >= topK) return;
      if (mayFollow(chunk) && !chosen.some((other) => repeats(chunk, other))) chosen.push(chunk);
    }
  };
  choose((chunk) => chunk.category !== 'boilerplate' && !chosen.some((other) => belongsTo(chunk, other)));
  choose((chunk) => chunk.category !== 'boilerplate');
  choose(() => true);
  return chosen.sort(bySeverity);
}

function bySeverity(a: ScoredChunk, b: ScoredChunk): number {
  return b.severity.value - a.severity.value || b.novelty.value - a.novelty.value || a.index - b.index;
}

function repeats(a: ScoredChunk, b: ScoredChunk): boolean {
  return a.index === b.index || cosine(a.vector, b.vector) >= tooAlike;
}

function belongsTo(a: ScoredChunk, b: ScoredChunk): boolean {
  return Math.abs(a.index - b.index) === 1 || (a.factor !== null && a.factor === b.factor);
}
