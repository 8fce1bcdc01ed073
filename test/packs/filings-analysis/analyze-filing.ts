import { chooseRisks } from '../../../packs/filings/analysis/choose-risks.ts';
import { chunkItem1A } from '../../../packs/filings/analysis/chunk-item-1a.ts';
import { decodeFiling } from '../../../packs/filings/analysis/decode-filing.ts';
import { describeRisk, type Risk } from '../../../packs/filings/analysis/describe-risk.ts';
import { extractItem1A } from '../../../packs/filings/analysis/extract-item-1a.ts';
import { indexChunks } from '../../../packs/filings/analysis/index-chunks.ts';
import { scoreChunks, type ScoredChunk } from '../../../packs/filings/analysis/score-chunks.ts';
import type { Chunk, PriorChunk } from '../../../packs/filings/analysis/types.ts';

export interface Filing {
  ticker: string;
  year: number;
  /** The 10-K as HTML, or its bytes. */
  source: string | Uint8Array;
  /** Chunks of the same company's earlier filings; only the three years before count. */
  prior: PriorChunk[];
  /** In dollars. */
  marketCap: number | null;
  topK: number;
}

export interface Analysis {
  risks: Risk[];
  scored: ScoredChunk[];
  item1AFound: boolean;
}

/** From a 10-K to its ranked risks. Throws an IntegrationError for a document that nobody could read. */
export function analyzeFiling({ source, ...filing }: Filing): Analysis {
  const html = decodeFiling(source);
  const item = extractItem1A(html);
  const chunks = chunkItem1A(item, filing);
  return { ...analyzeChunks({ ...filing, chunks, item1AFound: item.found }), item1AFound: item.found };
}

/** The half after extraction: index, score, choose. */
export function analyzeChunks(
  filing: Omit<Filing, 'source'> & { chunks: Chunk[]; item1AFound: boolean },
): Omit<Analysis, 'item1AFound'> {
  const index = indexChunks(filing);
  const scored = scoreChunks(index, filing.marketCap);
  const risks = chooseRisks(scored, filing.topK).map((chunk) => describeRisk(chunk, filing));
  return { risks, scored };
}
