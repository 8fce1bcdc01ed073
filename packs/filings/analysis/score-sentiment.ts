import { negations, negativeWords, positiveWords } from './lexicon/negative-words.ts';
import { readTerms } from './lexicon/read-terms.ts';
import { compileLexicon, matchLexicon } from './match-lexicon.ts';
import { countWords } from './read-words.ts';

const tone = compileLexicon<'negative' | 'positive'>([
  ...readTerms(positiveWords).map((term) => [term, 'positive'] as const),
  ...readTerms(negativeWords).map((term) => [term, 'negative'] as const),
]);
const negators = new Set(readTerms(negations));
const reach = 3;
/** One word in six negative is as bad as risk factors get; the usual passage has one in fifteen. */
const fullShare = 1 / 6;

export interface Sentiment {
  /** 0..1 */
  value: number;
  /** The negative words found, in order. */
  terms: string[];
}

/**
 * The share of negative words. A negation up to three words before a word, in the same sentence, turns it round:
 * "did not suffer losses" is not negative, "may not be able" is.
 */
export function scoreSentiment(words: string[]): Sentiment {
  const terms = matchLexicon(words, tone)
    .map((match) => ({ ...match, negation: findNegation(words, match.index) }))
    .filter(({ value, negation }) => (value === 'negative') === (negation === null))
    .map(({ term, negation }) => (negation === null ? term : `${negation} … ${term}`));
  const count = countWords(words);
  return { value: count === 0 ? 0 : Math.min(1, terms.length / count / fullShare), terms };
}

function findNegation(words: string[], index: number): string | null {
  for (let i = index - 1; i >= Math.max(0, index - reach); i -= 1) {
    const word = words[i] ?? '.';
    if (word === '.') return null;
    if (negators.has(word)) return word;
  }
  return null;
}
