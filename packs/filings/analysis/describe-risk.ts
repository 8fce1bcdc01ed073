import type { ScoredChunk } from './score-chunks.ts';
import type { SeverityBand } from './score-severity.ts';
import type { Label, Score } from './types.ts';

const maxCitationLength = 500;
const quotedLength = 160;

/** One risk as the task reports it. */
export interface Risk extends Label {
  text: string;
  /** At most 500 characters. */
  source_citation: string;
  severity: Score;
  novelty: Score;
  metadata: {
    chunk_id: string;
    chunk_index: number;
    factor: string | null;
    section: string | null;
    severity_band: SeverityBand;
    largest_amount: number | null;
    closest_prior_chunk: string | null;
    item_1a_found: boolean;
  };
}

export interface Source {
  ticker: string;
  year: number;
  /** False where the chunks come from the whole document. */
  item1AFound: boolean;
}

export function describeRisk(chunk: ScoredChunk, source: Source): Risk {
  const { severity, novelty } = chunk;
  return {
    text: chunk.text,
    source_citation: cite(chunk, source),
    severity: { value: severity.value, explanation: severity.explanation },
    novelty,
    metadata: {
      chunk_id: chunk.id,
      chunk_index: chunk.index,
      factor: chunk.factor,
      section: chunk.section,
      severity_band: severity.band,
      largest_amount: severity.largestAmount,
      closest_prior_chunk: chunk.closest?.id ?? null,
      item_1a_found: source.item1AFound,
    },
    category: chunk.category,
    category_confidence: chunk.category_confidence,
    classification_method: chunk.classification_method,
  };
}

function cite(chunk: ScoredChunk, { ticker, year, item1AFound }: Source): string {
  const place = item1AFound ? 'Item 1A' : 'whole document (no Item 1A found)';
  const citation = `${ticker} 10-K ${year}, ${place}, chunk ${chunk.id}: «${firstWords(chunk.text, quotedLength)}»`;
  return citation.slice(0, maxCitationLength).toWellFormed();
}

function firstWords(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ').replace(/^(?=\p{Ll})/u, '…');
  if (line.length <= length) return line;
  const end = line.lastIndexOf(' ', length);
  return `${line.slice(0, end > 0 ? end : length)}…`;
}
