import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { indexVectors } from '../../../packs/filings/analysis/find-closest.ts';
import { buildIdf, cosine, vectorize } from '../../../packs/filings/analysis/vectorize.ts';
import { business, cyberRisk, lawsuitRisk, supplyRisk } from './filing.ts';

const corpus = ['Results fell.', 'Results rose.', business, cyberRisk, lawsuitRisk, supplyRisk];
const idf = buildIdf(corpus);
const anyText = fc
  .array(fc.constantFrom(...corpus.join(' ').split(' '), 'unseen', '7'), { maxLength: 40 })
  .map((words) => words.join(' '));

test('a text is like itself, and unlike one that shares no word', () => {
  expect(cosine(vectorize(supplyRisk, idf), vectorize(supplyRisk, idf))).toBeCloseTo(1);
  expect(cosine(vectorize('pumps valves', idf), vectorize('ransomware malware', idf))).toBe(0);
  expect(cosine(vectorize('', idf), vectorize(supplyRisk, idf))).toBe(0);
});

test('years and stop words make no difference', () => {
  const [a, b] = ['losses in 2019 of a pump', 'the losses of 2020: pump'].map((text) => vectorize(text, idf));
  expect(a).toEqual(b);
});

test('a vector is two columns of the same length, sorted, of length 1', () => {
  const { terms, weights } = vectorize(cyberRisk, idf);
  expect(terms).toEqual([...new Set(terms)].sort());
  expect(weights).toHaveLength(terms.length);
  expect(weights.reduce((sum, weight) => sum + weight ** 2, 0)).toBeCloseTo(1);
});

test('rare words weigh more than common ones', () => {
  const weightOf = (term: string) => idf.weights.get(term) ?? NaN;
  expect(weightOf('ransomware')).toBeGreaterThan(weightOf('results'));
  expect(idf.unseen).toBeGreaterThan(weightOf('ransomware'));
});

test('cosine is symmetric and within 0..1, and the index finds what comparing all finds', () => {
  fc.assert(
    fc.property(anyText, fc.array(anyText, { minLength: 1, maxLength: 8 }), (text, others) => {
      const vector = vectorize(text, idf);
      const items = others.map((other, item) => ({ item, vector: vectorize(other, idf) }));
      const similarities = items.map((other) => cosine(vector, other.vector));
      for (const [i, similarity] of similarities.entries()) {
        expect(similarity).toBeGreaterThanOrEqual(0);
        expect(similarity).toBeLessThanOrEqual(1);
        expect(cosine(items[i]?.vector ?? vector, vector)).toBeCloseTo(similarity, 10);
      }
      expect(indexVectors(items)(vector)?.similarity).toBeCloseTo(Math.max(...similarities), 10);
    }),
    { numRuns: 200 },
  );
});

test('without vectors there is no closest one', () => {
  expect(indexVectors([])(vectorize(supplyRisk, idf))).toBeNull();
});
