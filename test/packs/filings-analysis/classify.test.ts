import { expect, test } from 'vitest';
import { classify } from '../../../packs/filings/analysis/classify.ts';
import { indexChunks } from '../../../packs/filings/analysis/index-chunks.ts';
import type { Category, PriorChunk } from '../../../packs/filings/analysis/types.ts';
import { cyberRisk, lawsuitRisk, staffRisk, supplyRisk } from './filing.ts';

const passages: [Category, string][] = [
  ['operational', supplyRisk],
  ['regulatory', lawsuitRisk],
  ['technological', cyberRisk],
  ['human_capital', staffRisk],
  [
    'systematic',
    'A recession, high unemployment or inflation could weaken consumer confidence and consumer spending, and the economic downturn would reduce demand.',
  ],
  [
    'geopolitical',
    'Tariffs, export controls and sanctions, an armed conflict in the Middle East or political instability could close countries to our trade.',
  ],
  [
    'competitive',
    'Our competitors have greater resources and a larger customer base; pricing pressure and new entrants could take market share from us.',
  ],
  [
    'financial',
    'We have substantial indebtedness. Covenants in our credit agreement limit our liquidity, and we may be unable to refinance when exchange rates move.',
  ],
  [
    'reputational',
    'Negative publicity on social media, a boycott or the views of activists and other stakeholders could damage our brand image and the trust placed in it.',
  ],
  [
    'boilerplate',
    'You should carefully consider the following risk factors. Additional risks and uncertainties not presently known to us may also matter. Forward-looking statements are made here.',
  ],
];

test.each(passages)('%s', (category, text) => {
  const label = classify(text, null);
  expect(label).toMatchObject({ category, classification_method: 'keyword' });
  expect(label.category_confidence).toBeGreaterThan(0.3);
  expect(label.category_confidence).toBeLessThanOrEqual(1);
});

test('a text without signs is other, with no confidence', () => {
  expect(classify('The quick brown fox jumps over the lazy dog.', null)).toMatchObject({
    category: 'other',
    category_confidence: 0,
  });
});

test('the factor’s heading decides where the passage is mute', () => {
  expect(classify('It has happened before and it may happen again.', 'Our suppliers may fail')).toMatchObject(
    { category: 'operational' },
  );
});

const chunk = { id: 'PUMP_2020_0', index: 0, text: supplyRisk, factor: null, section: null };
const prior = (year: number, text = supplyRisk): PriorChunk => ({
  id: `PUMP_${year}_4`,
  year,
  text,
  category: 'reputational',
});
const indexed = (priors: PriorChunk[]) =>
  indexChunks({ year: 2020, chunks: [chunk], prior: priors }).chunks[0];

test('a chunk like one of the three years before keeps that one’s label', () => {
  expect(indexed([prior(2017)])).toMatchObject({
    category: 'reputational',
    category_confidence: 1,
    classification_method: 'reused',
  });
});

test('an unlike chunk is classified anew', () => {
  expect(indexed([prior(2019, cyberRisk)])).toMatchObject({
    category: 'operational',
    classification_method: 'keyword',
  });
});

test('only the three years before count', () => {
  for (const year of [2016, 2020, 2021]) {
    expect(indexed([prior(year)])).toMatchObject({
      closest: null,
      closestInLastYear: null,
      classification_method: 'keyword',
    });
  }
});

test('the closest chunk may be old, the last year’s is kept beside it', () => {
  expect(indexed([prior(2017), prior(2019, lawsuitRisk)])).toMatchObject({
    closest: { year: 2017 },
    closestInLastYear: { year: 2019 },
  });
});
