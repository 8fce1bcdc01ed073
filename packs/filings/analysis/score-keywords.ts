import { plainKeywords, strongKeywords } from './lexicon/keywords.ts';
import { readTerms } from './lexicon/read-terms.ts';
import { compileLexicon, matchLexicon } from './match-lexicon.ts';
import { countWords } from './read-words.ts';

const keywords = compileLexicon<number>([
  ...readTerms(strongKeywords).map((term) => [term, 2] as const),
  ...readTerms(plainKeywords).map((term) => [term, 1] as const),
]);
const fullDensity = 20;

/** Risk words per 1000 words, strong ones counted twice; 20 or more score 1. */
export function scoreKeywords(words: string[]): { value: number; perThousand: number } {
  const count = countWords(words);
  const weight = matchLexicon(words, keywords).reduce((sum, match) => sum + match.value, 0);
  const perThousand = count === 0 ? 0 : (weight / count) * 1000;
  return { value: Math.min(1, perThousand / fullDensity), perThousand };
}
