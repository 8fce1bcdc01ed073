import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { analyzeFiling } from './analyze-filing.ts';
import { decodeFiling } from '../../../packs/filings/analysis/decode-filing.ts';
import { extractItem1A } from '../../../packs/filings/analysis/extract-item-1a.ts';
import type { ScoredChunk } from '../../../packs/filings/analysis/score-chunks.ts';
import type { PriorChunk } from '../../../packs/filings/analysis/types.ts';
import { cosine } from '../../../packs/filings/analysis/vectorize.ts';
import { business, cyberRisk, lawsuitRisk, makeFiling, staffRisk, supplyRisk } from './filing.ts';

const readApple = (year: number) =>
  gunzipSync(readFileSync(new URL(`../../fixtures/filings/apple-10k-fy${year}.html.gz`, import.meta.url)));
const asPrior = (scored: ScoredChunk[], year: number): PriorChunk[] =>
  scored.map(({ id, text, category }) => ({ id, year, text, category }));
const analyzeApple = (year: number, prior: PriorChunk[] = [], topK = 10) =>
  analyzeFiling({ ticker: 'AAPL', year, source: readApple(year), prior, marketCap: null, topK });

describe('Apple’s report of 2025 against that of 2024', () => {
  const before = analyzeApple(2024);
  const prior = asPrior(before.scored, 2024);
  const { risks, scored, item1AFound } = analyzeApple(2025, prior);

  test.each([2024, 2025])('Item 1A of %i is found, whole and alone', (year) => {
    const { found, text } = extractItem1A(decodeFiling(readApple(year)));
    expect(found).toBe(true);
    expect(text.split(/\s+/).length).toBeGreaterThan(9000);
    expect(text.split(/\s+/).length).toBeLessThan(10_500);
    expect(text).toMatch(/^(?:The following summarizes|The Company’s business, reputation)/);
    expect(text).toMatch(/investor confidence and employee retention\.$/);
    expect(text).not.toMatch(/Form 10-K \| \d|Unresolved Staff|Item 1A/);
  });

  test('every chunk knows its factor, but for the introduction', () => {
    expect(item1AFound).toBe(true);
    expect(scored.length).toBeGreaterThan(80);
    expect(scored.filter((chunk) => chunk.factor === null).length).toBeLessThan(4);
    expect(new Set(scored.map((chunk) => chunk.section))).toContain('Legal and Regulatory Compliance Risks');
  });

  test('the top ten are ten different risks, severest first', () => {
    expect(risks).toHaveLength(10);
    expect(new Set(risks.map((risk) => risk.metadata.factor)).size).toBe(10);
    const values = risks.map((risk) => risk.severity.value);
    expect(values).toEqual([...values].sort((a, b) => b - a));
    expect(new Set(risks.map((risk) => risk.category)).size).toBeGreaterThan(3);
    expect(risks.map((risk) => risk.category)).not.toContain('boilerplate');
  });

  test.each([
    [/ransomware/, 'technological'],
    [/tariffs/i, 'geopolitical'],
    [/exchange rate/, 'financial'],
    [/litigation/, 'regulatory'],
    [/talent/, 'human_capital'],
    [/slow growth or recession/, 'systematic'],
  ])('%s is for the most part %s', (pattern, category) => {
    const about = scored.filter((chunk) => pattern.test(chunk.text));
    expect(about.length).toBeGreaterThan(0);
    expect(about.filter((chunk) => chunk.category === category).length / about.length).toBeGreaterThan(0.5);
  });

  test('much of it is old: labels are reused and novelty is low', () => {
    const reused = scored.filter((chunk) => chunk.classification_method === 'reused');
    expect(reused.length / scored.length).toBeGreaterThan(0.4);
    for (const chunk of reused) expect(chunk.novelty.value).toBeLessThanOrEqual(0.2);
    expect(scored.some((chunk) => chunk.novelty.value > 0.4)).toBe(true);
  });

  test('the same input gives the same answer', () => {
    expect(JSON.stringify(analyzeApple(2025, prior).risks)).toBe(JSON.stringify(risks));
  });

  test('it takes a CPU well under two seconds', () => {
    const start = process.cpuUsage();
    analyzeApple(2025, prior);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(2000);
  });
});

const factors = [
  ['We depend on one supplier.', supplyRisk],
  ['We are being sued.', lawsuitRisk],
  ['Our systems may fail.', cyberRisk],
  ['We need skilled people.', staffRisk],
  [
    'Our history is written down elsewhere.',
    `Forward-looking statements: ${business} Additional risks and uncertainties not presently known to us may follow.`,
  ],
];
const body = factors.map(([heading, text]) => `<p><b>${heading}</b></p><p>${text}</p>`).join('');
const source = makeFiling({ heading: '<p><b>Item 1A. Risk Factors</b></p>', body });
const filing = { ticker: 'PUMP', year: 2020, source, prior: [], marketCap: 1e10, topK: 50 };

test('a risk carries its source, its scores and its factor', () => {
  const { risks } = analyzeFiling({ ...filing, topK: 1 });
  expect(risks).toEqual([
    {
      text: `We are being sued.\n\n${lawsuitRisk}`,
      source_citation: expect.stringMatching(
        /^PUMP 10-K 2020, Item 1A, chunk PUMP_2020_1: «We are being sued\. We are subject .*…»$/,
      ),
      severity: {
        value: expect.any(Number),
        explanation: expect.stringContaining('$2.5 billion against the market capitalisation'),
      },
      novelty: { value: 1, explanation: expect.any(String) },
      metadata: {
        chunk_id: 'PUMP_2020_1',
        chunk_index: 1,
        factor: 'We are being sued.',
        section: null,
        severity_band: expect.any(String),
        largest_amount: 2.5e9,
        closest_prior_chunk: null,
        item_1a_found: true,
      },
      category: 'regulatory',
      category_confidence: expect.any(Number),
      classification_method: 'keyword',
    },
  ]);
});

test('a citation has at most 500 characters, whatever the text and ticker', () => {
  const { risks } = analyzeFiling({ ...filing, ticker: 'X'.repeat(600) });
  for (const risk of risks) expect(risk.source_citation.length).toBeLessThanOrEqual(500);
});

test('no more risks than asked for, and no more than there are', () => {
  expect(analyzeFiling({ ...filing, topK: 2 }).risks).toHaveLength(2);
  expect(analyzeFiling(filing).risks).toHaveLength(factors.length);
});

test('what is said twice is reported once', () => {
  const { risks, scored } = analyzeFiling({
    ...filing,
    source: source.replace('</body>', '').replace(body, body + body.replaceAll('We are', 'We are also')),
  });
  expect(scored.length).toBe(2 * factors.length);
  expect(risks).toHaveLength(factors.length);
  const chosen = scored.filter((chunk) => risks.some((risk) => risk.metadata.chunk_id === chunk.id));
  for (const a of chosen)
    for (const b of chosen) if (a !== b) expect(cosine(a.vector, b.vector)).toBeLessThan(0.8);
});

test('boilerplate is not chosen while there are risks', () => {
  const { risks } = analyzeFiling({ ...filing, topK: 4 });
  expect(risks.map((risk) => risk.category)).not.toContain('boilerplate');
});

test('a document without Item 1A is analysed whole, and says so', () => {
  const { risks, item1AFound } = analyzeFiling({ ...filing, source: body });
  expect(item1AFound).toBe(false);
  expect(risks[0]).toMatchObject({
    metadata: { item_1a_found: false },
    source_citation: expect.stringContaining('no Item 1A found'),
  });
});

test('a filing without risk factors has no risks', () => {
  const notApplicable = makeFiling({
    heading: '<p>Item 1A. Risk Factors</p>',
    body: '<p>Not applicable.</p>',
  });
  expect(analyzeFiling({ ...filing, source: notApplicable })).toEqual({
    risks: [],
    scored: [],
    item1AFound: true,
  });
});
