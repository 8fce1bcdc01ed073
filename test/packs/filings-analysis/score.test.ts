import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findLargestAmount } from '../../../packs/filings/analysis/find-largest-amount.ts';
import { readWords } from '../../../packs/filings/analysis/read-words.ts';
import { scoreKeywords } from '../../../packs/filings/analysis/score-keywords.ts';
import { scoreNovelty } from '../../../packs/filings/analysis/score-novelty.ts';
import { scoreSentiment } from '../../../packs/filings/analysis/score-sentiment.ts';
import { bandOf, scoreSeverity } from '../../../packs/filings/analysis/score-severity.ts';
import { business, cyberRisk, lawsuitRisk, supplyRisk } from './filing.ts';

const sentiment = (text: string) => scoreSentiment(readWords(text));
const severity = (text: string, marketCap: number | null = null) =>
  scoreSeverity({ text, closestInLastYear: { id: 'PUMP_2019_3', year: 2019, similarity: 1 } }, marketCap);

describe('sentiment', () => {
  test('bad news scores above a plain description', () => {
    expect(sentiment(business).value).toBeLessThan(0.1);
    expect(sentiment(supplyRisk).value).toBeGreaterThan(0.3);
  });

  test('a negation turns a negative word round, and a promising one', () => {
    expect(sentiment('We did not suffer any losses.').terms).toEqual([]);
    expect(sentiment('We may not be able to recover.').terms).toEqual(['not … able']);
    expect(sentiment('We are able to recover.').terms).toEqual([]);
  });

  test('a negation does not reach into the next sentence', () => {
    expect(sentiment('It did not. Losses followed.').terms).toEqual(['losses']);
  });

  test('hardware, several and blockchain are not bad news', () => {
    expect(sentiment('Several hardware and blockchain objectives.').terms).toEqual([]);
  });
});

describe('amounts', () => {
  test.each([
    ['a loss of $1.2 billion', 1.2e9],
    ['$300 million of notes', 3e8],
    ['a fee of $5,000', 5000],
    ['US$ 2.5bn', 2.5e9],
    ['fined €500 million', 5e8],
    ['USD 75 million', 7.5e7],
    ['about 40 million U.S. dollars', 4e7],
    ['between $5 million and $7 million, or $6,500 a day', 7e6],
    ['$3.5 trillion', 3.5e12],
    ['$0.00001 par value', 0.00001],
  ])('%s', (text, value) => {
    expect(findLargestAmount(text)?.value).toBeCloseTo(value, 6);
  });

  test.each(['no money here', '12 million users', 'section 1.2', '$', '$ million'])('none in: %s', (text) => {
    expect(findLargestAmount(text)).toBeNull();
  });
});

describe('severity', () => {
  test('is .45 sentiment + .35 amount + .10 keywords + .10 distance', () => {
    const words = readWords(lawsuitRisk);
    const amount = (Math.log10(2.5e9) - 6) / 6;
    const expected =
      0.45 * scoreSentiment(words).value + 0.35 * amount + 0.1 * scoreKeywords(words).value + 0.1 * 0.25;
    const closestInLastYear = { id: 'PUMP_2019_3', year: 2019, similarity: 0.75 };
    expect(scoreSeverity({ text: lawsuitRisk, closestInLastYear }, null).value).toBeCloseTo(expected, 4);
  });

  test('measures the amount by the market capitalisation where that is known', () => {
    const [none, tenth, all] = [severity(business), 1e8, 1e7].map((cap) =>
      typeof cap === 'number' ? severity(`${business} It cost $10 million.`, cap) : cap,
    );
    expect((tenth?.value ?? 0) - (none?.value ?? 0)).toBeCloseTo(0.035, 1);
    expect((all?.value ?? 0) - (tenth?.value ?? 0)).toBeCloseTo(0.35 * 0.9, 2);
    expect(severity('It cost $10 million.', 0)).toEqual(severity('It cost $10 million.', null));
  });

  test('names the four contributions and the band', () => {
    const { explanation } = severity(lawsuitRisk);
    for (const part of [
      'negative sentiment',
      'dollar amount',
      'keyword density',
      'distance to prior year',
      '$2.5 billion',
      'PUMP_2019_3',
    ]) {
      expect(explanation).toContain(part);
    }
    expect(explanation).toMatch(/^(low|moderate|high|severe) \(0\.\d\d\)/);
  });

  test('without a prior year the passage counts as new', () => {
    const known = severity(supplyRisk).value;
    expect(scoreSeverity({ text: supplyRisk, closestInLastYear: null }, null).value).toBeCloseTo(
      known + 0.1,
      4,
    );
  });

  test('bands begin at .3, .5 and .7', () => {
    expect([0, 0.2999, 0.3, 0.4999, 0.5, 0.6999, 0.7, 1].map(bandOf)).toEqual([
      'low',
      'low',
      'moderate',
      'moderate',
      'high',
      'high',
      'severe',
      'severe',
    ]);
  });

  test('lies between 0 and 1 for any text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(
          fc.constantFrom(...readWords(supplyRisk + cyberRisk), '$9 trillion', 'not', 'loss', 'severe'),
          { maxLength: 60 },
        )
        .map((words) => words.join(' ')),
    );
    const marketCap = fc.option(fc.oneof(fc.double(), fc.constantFrom(0, -5, NaN, Infinity, 1e-300)));
    fc.assert(
      fc.property(
        text,
        marketCap,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (text, marketCap, similarity) => {
          const closestInLastYear = { id: 'a', year: 2019, similarity };
          for (const { value } of [
            scoreSeverity({ text, closestInLastYear }, marketCap),
            scoreNovelty(closestInLastYear),
          ]) {
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThanOrEqual(1);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

test('strong keywords count twice', () => {
  const filler = 'word '.repeat(198);
  expect(scoreKeywords(readWords(`${filler} delay now`)).perThousand).toBeCloseTo(5);
  expect(scoreKeywords(readWords(`${filler} fraud now`)).perThousand).toBeCloseTo(10);
});

test('novelty is what is left of the likeness, and 1 without earlier filings', () => {
  expect(scoreNovelty(null)).toMatchObject({ value: 1 });
  const novelty = scoreNovelty({ id: 'PUMP_2018_7', year: 2018, similarity: 0.6 });
  expect(novelty.value).toBeCloseTo(0.4);
  expect(novelty.explanation).toContain('PUMP_2018_7 of 2018, similarity 0.60');
});
