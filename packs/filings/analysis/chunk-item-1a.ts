import { chunkText } from './chunk-text.ts';
import { splitFactors } from './split-factors.ts';
import type { Block, Chunk } from './types.ts';

const minWords = 30;
const capitalsShare = 0.9;

/** The passages worth scoring, cut within the risk factors and numbered `TICKER_YEAR_INDEX` in reading order. */
export function chunkItem1A(item: { blocks: Block[] }, filing: { ticker: string; year: number }): Chunk[] {
  const factors = splitFactors(item.blocks);
  // Where the whole document is set in capitals they do not mark a heading.
  const dropsCapitals = !isCapitals(factors.map((factor) => factor.text).join(' '));
  return factors
    .flatMap(({ text, heading, section }) =>
      chunkText(text).map((chunk) => ({ text: chunk, factor: heading, section })),
    )
    .filter(({ text }) => isPassage(text) && !(dropsCapitals && isCapitals(text)))
    .map((chunk, index) => ({ id: `${filing.ticker}_${filing.year}_${index}`, index, ...chunk }));
}

/** At least 30 words, and a sentence's end among them: table rows and lists of names have none. */
export function isPassage(text: string): boolean {
  const words = text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  return words.length >= minWords && /\p{L}{2,}[”"’')\]]*[.!?;]/u.test(text);
}

export function isCapitals(text: string): boolean {
  const letters = text.match(/\p{L}/gu) ?? [];
  const capitals = text.match(/\p{Lu}/gu) ?? [];
  return letters.length > 0 && capitals.length / letters.length > capitalsShare;
}
