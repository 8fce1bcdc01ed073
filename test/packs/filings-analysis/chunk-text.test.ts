import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkItem1A, isCapitals, isPassage } from '../../../packs/filings/analysis/chunk-item-1a.ts';
import { chunkText } from '../../../packs/filings/analysis/chunk-text.ts';
import { findSentenceEnds } from '../../../packs/filings/analysis/find-sentence-ends.ts';
import { readBlocks } from '../../../packs/filings/analysis/read-blocks.ts';
import { cyberRisk, lawsuitRisk, staffRisk, supplyRisk } from './filing.ts';

const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');
const prose = fc
  .array(
    fc.tuple(
      fc.stringMatching(/^[a-zA-Z]{1,12}$/),
      fc.constantFrom(' ', ' ', ' ', '. ', '.\n\n', ', ', '; '),
    ),
    { maxLength: 900 },
  )
  .map((pairs) => pairs.map(([word, gap]) => word + gap).join(''));

test('no word is lost, torn or put out of order, and no chunk is longer than 800 characters', () => {
  fc.assert(
    fc.property(prose, (text) => {
      const chunks = chunkText(text);
      const numbered = words(text.replace(/\S+/g, () => 'w'));
      let at = 0;
      let covered = 0;
      for (const chunk of chunks) {
        expect(chunk.length).toBeLessThanOrEqual(800);
        const start = text.indexOf(chunk, at);
        expect(start).toBeGreaterThanOrEqual(0);
        expect(text.slice(covered, start).trim()).toBe('');
        expect(/\S/.test(text[start - 1] ?? ' ')).toBe(false);
        expect(/\S/.test(text[start + chunk.length] ?? ' ')).toBe(false);
        at = start + 1;
        covered = start + chunk.length;
      }
      expect(text.slice(covered).trim()).toBe('');
      expect(chunks.length > 0).toBe(numbered.length > 0);
    }),
    { numRuns: 150 },
  );
});

test('neighbours share up to 80 characters', () => {
  const text = Array.from({ length: 300 }, (_, i) => `word${i}`).join(' ');
  const chunks = chunkText(text);
  expect(chunks.length).toBeGreaterThan(2);
  for (const [i, chunk] of chunks.entries()) {
    if (i === 0) continue;
    const shared = words(chunks[i - 1] ?? '')
      .filter((word) => words(chunk).includes(word))
      .join(' ');
    expect(shared.length).toBeGreaterThan(60);
    expect(shared.length).toBeLessThanOrEqual(80);
  }
});

test('a chunk ends after a sentence where there is one', () => {
  const text = [supplyRisk, lawsuitRisk, cyberRisk, staffRisk].join(' ');
  const chunks = chunkText(text);
  expect(chunks.length).toBeGreaterThan(1);
  for (const chunk of chunks) expect(chunk).toMatch(/\.$/);
});

test('chunks of one text are about equally long, with no scrap at the end', () => {
  const lengths = chunkText(`${supplyRisk} `.repeat(4)).map((chunk) => chunk.length);
  expect(Math.min(...lengths)).toBeGreaterThan(300);
});

test('a word longer than a chunk stays whole', () => {
  const long = 'x'.repeat(2000);
  expect(chunkText(`before ${long} after`)).toEqual(expect.arrayContaining([expect.stringContaining(long)]));
});

test('abbreviations end no sentence', () => {
  const text = 'Apple Inc. sells in the U.S. market. It grew by 3.5 percent, e.g. in Japan. Done.';
  expect(findSentenceEnds(text).map((end) => text.slice(0, end).slice(-5))).toEqual([
    'rket.',
    'apan.',
    'Done.',
  ]);
});

test('a passage has 30 words and a sentence', () => {
  expect(isPassage(supplyRisk)).toBe(true);
  expect(isPassage(words(supplyRisk).slice(0, 29).join(' '))).toBe(false);
  expect(isPassage('Revenue 1,234 2,345 Cost 12 '.repeat(10))).toBe(false);
});

test('chunks in capitals are dropped as headings, unless everything is in capitals', () => {
  const shouting = `<p>${lawsuitRisk.toUpperCase()}</p>`;
  const chunksOf = (html: string) =>
    chunkItem1A({ blocks: readBlocks(html) }, { ticker: 'PUMP', year: 2020 });
  expect(isCapitals(lawsuitRisk.toUpperCase())).toBe(true);
  expect(
    chunksOf(`<h2>One</h2><p>${supplyRisk}</p><h2>Two</h2>${shouting}`).map((chunk) => chunk.text),
  ).toEqual([`One\n\n${supplyRisk}`]);
  expect(chunksOf(shouting)).toHaveLength(1);
});

test('chunks are numbered in reading order and carry their factor and section', () => {
  const html = `<p><b>Risks Related to Supply</b></p><p><b><i>We depend on one supplier.</i></b></p><p>${supplyRisk}</p>
    <p><i>We are being sued.</i></p><p>${lawsuitRisk}</p>
    <p><b>Our systems may fail and our data may leak.</b> ${cyberRisk}</p>`;
  expect(chunkItem1A({ blocks: readBlocks(html) }, { ticker: 'PUMP', year: 2020 })).toMatchObject([
    { id: 'PUMP_2020_0', index: 0, factor: 'We depend on one supplier.', section: 'Risks Related to Supply' },
    { id: 'PUMP_2020_1', index: 1, factor: 'We are being sued.', section: 'Risks Related to Supply' },
    { id: 'PUMP_2020_2', index: 2, factor: 'Our systems may fail and our data may leak.' },
  ]);
});

test('bold text throughout is not taken for headings', () => {
  const chunks = chunkItem1A(
    { blocks: readBlocks(`<b><p>${supplyRisk}</p><p>${cyberRisk}</p></b>`) },
    { ticker: 'PUMP', year: 2020 },
  );
  expect(chunks).toMatchObject([{ factor: null, text: `${supplyRisk}\n\n${cyberRisk}` }]);
});

test('without headings the factor is null', () => {
  expect(
    chunkItem1A({ blocks: readBlocks(`<p>${supplyRisk}</p>`) }, { ticker: 'PUMP', year: 2020 }),
  ).toMatchObject([{ factor: null, section: null }]);
});
