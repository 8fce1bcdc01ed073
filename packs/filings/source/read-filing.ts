import { createHash } from 'node:crypto';
import { chunkItem1A } from '../analysis/chunk-item-1a.ts';
import { decodeFiling } from '../analysis/decode-filing.ts';
import { extractItem1A, type Item1A } from '../analysis/extract-item-1a.ts';
import type { Chunk } from '../analysis/types.ts';
import { readSource, type Source } from './read-source.ts';

export interface ReadFiling {
  /** SHA-256 of the HTML. */
  checksum: string;
  item: Item1A;
  chunks: Chunk[];
}

/** Reads, finds Item 1A and splits it; `onRead` is called in between. @throws IntegrationError where there is nothing to read. */
export async function readFiling(
  source: Source,
  filing: { ticker: string; year: number },
  onRead: () => void,
): Promise<ReadFiling> {
  const bytes = await readSource(source);
  const html = decodeFiling(bytes);
  onRead();
  const item = extractItem1A(html);
  const checksum = createHash('sha256').update(bytes).digest('hex');
  return { checksum, item, chunks: chunkItem1A(item, filing) };
}
