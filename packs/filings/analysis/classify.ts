import { categoryWords } from './lexicon/category-words.ts';
import { readTerms } from './lexicon/read-terms.ts';
import { compileLexicon, matchLexicon } from './match-lexicon.ts';
import { readWords } from './read-words.ts';
import { categories, type Category, type Label } from './types.ts';

const tellingWeight = 3;
const headingWeight = 2;
/** A term repeated over and over says no more than one said three times. */
const maxRepeats = 3;
const minScore = 3;

interface Sign {
  category: Category;
  weight: number;
}

const signs = compileLexicon<Sign[]>(collectSigns());

/** The category whose words the passage and its factor's heading use most; the heading counts twice. */
export function classify(text: string, heading: string | null): Label {
  const scores = new Map<Category, number>();
  addScores(scores, text, 1);
  if (heading !== null) addScores(scores, heading, headingWeight);
  const ranked = categories
    .map((category) => ({ category, score: scores.get(category) ?? 0 }))
    .sort((a, b) => b.score - a.score);
  const [first, second] = ranked;
  if (!first || first.score < minScore)
    return { category: 'other', category_confidence: 0, classification_method: 'keyword' };
  const margin = first.score / (first.score + (second?.score ?? 0));
  const evidence = first.score / (first.score + minScore);
  return {
    category: first.category,
    category_confidence: round(margin * evidence),
    classification_method: 'keyword',
  };
}

function addScores(scores: Map<Category, number>, text: string, factor: number): void {
  const repeats = new Map<string, number>();
  for (const { term, value } of matchLexicon(readWords(text), signs)) {
    const count = (repeats.get(term) ?? 0) + 1;
    repeats.set(term, count);
    if (count > maxRepeats) continue;
    for (const { category, weight } of value)
      scores.set(category, (scores.get(category) ?? 0) + factor * weight);
  }
}

/** The same term may point to several categories. */
function collectSigns(): Map<string, Sign[]> {
  const signs = new Map<string, Sign[]>();
  const add = (list: string, sign: Sign) => {
    for (const term of readTerms(list)) signs.set(term, [...(signs.get(term) ?? []), sign]);
  };
  for (const category of categories) {
    if (category === 'other') continue;
    add(categoryWords[category].telling, { category, weight: tellingWeight });
    add(categoryWords[category].usual, { category, weight: 1 });
  }
  return signs;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
