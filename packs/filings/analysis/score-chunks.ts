import type { ChunkIndex, IndexedChunk } from './index-chunks.ts';
import { scoreNovelty } from './score-novelty.ts';
import { scoreSeverity, type Severity } from './score-severity.ts';
import type { Score } from './types.ts';

export interface ScoredChunk extends IndexedChunk {
  severity: Severity;
  novelty: Score;
}

export function scoreChunks(index: ChunkIndex, marketCap: number | null): ScoredChunk[] {
  return index.chunks.map((chunk) => ({
    ...chunk,
    severity: scoreSeverity(chunk, marketCap),
    novelty: scoreNovelty(chunk.closest),
  }));
}
