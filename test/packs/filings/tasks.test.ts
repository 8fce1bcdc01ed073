import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { sql } from 'drizzle-orm';
import { defineConfig } from 'lovage';
import { openTestLovage, runTask, type TestLovage } from '../../../src/testing/index.ts';
import { filings } from '../../../packs/filings/index.ts';
import { storeMarketCap } from '../../../packs/filings/store/market-caps.ts';
import { analyze } from '../../../packs/filings/tasks/analyze.ts';
import { batchAnalyze } from '../../../packs/filings/tasks/batch-analyze.ts';
import { indexFiling } from '../../../packs/filings/tasks/index-filing.ts';
import { cyberRisk, lawsuitRisk, makeFiling, staffRisk, supplyRisk } from '../filings-analysis/filing.ts';
import { answerWell, complete, labelAs, ModelService, passagesOf } from './model-service.ts';

const config = defineConfig({ packs: [filings] });
const heading = '<p><b>Item 1A. Risk Factors</b></p>';
const factors = [supplyRisk, lawsuitRisk, cyberRisk, staffRisk].map(
  (risk) => `<p><b>${risk.slice(0, risk.indexOf('. ') + 1)}</b></p><p>${risk}</p>`,
);
const html = makeFiling({ heading, body: factors.slice(0, 3).join('') });
const longer = makeFiling({ heading, body: factors.join('') });
const acme = (filing_year: number, html_content = html) => ({ ticker: 'ACME', filing_year, html_content });

let lovage: TestLovage;
beforeEach(async () => void (lovage = await openTestLovage(config, { serverUrl: inject('serverUrl') })));
afterEach(async () => {
  vi.unstubAllEnvs();
  await lovage[Symbol.asyncDispose]();
});

const rows = async (query: ReturnType<typeof sql>) => (await lovage.db.execute(query)).rows;
const chunkIds = async () =>
  (await rows(sql`SELECT id FROM pack_filings.chunk ORDER BY id`)).map(({ id }) => id);

describe('indexing', () => {
  test('takes four steps and says what it indexed; the year after is weighed against it', async () => {
    const { id, state, result } = await lovage.run(indexFiling, acme(2020));
    expect({ state, result }).toEqual({
      state: 'succeeded',
      result: {
        ticker: 'ACME',
        filing_year: 2020,
        metadata: {
          item_type: '1A',
          chunks_indexed: 3,
          embedding_latency_ms: expect.any(Number),
          status: 'indexed',
        },
      },
    });
    const progress = (await lovage.events(id)).filter(({ type }) => type === 'progress');
    expect(progress.map(({ data }) => [data['current'], data['total']])).toEqual(
      [0, 1, 2, 3, 4].map((current) => [current, 4]),
    );

    const { output } = await runTask(analyze, acme(2021, longer), { db: lovage.db });
    const novelties = output.risks.map(({ text, novelty }) => [
      text.includes('key personnel'),
      novelty.value,
    ]);
    expect(novelties.filter(([isNew]) => !isNew).every(([, value]) => value === 0)).toBe(true);
    expect(novelties.filter(([isNew]) => isNew)).toEqual([[true, expect.toSatisfy((n: number) => n > 0.5)]]);
  });

  test('a shorter filing leaves no chunk of the longer one, which keeps its risks only while it is the same', async () => {
    await lovage.run(analyze, acme(2020, longer));
    expect(await chunkIds()).toEqual([0, 1, 2, 3].map((index) => `ACME_2020_${index}`));
    const hasRisks = async () =>
      (await rows(sql`SELECT risks IS NOT NULL AS "hasRisks" FROM pack_filings.filing`)).map(
        (row) => row['hasRisks'],
      );
    await lovage.run(indexFiling, acme(2020, longer));
    expect(await hasRisks()).toEqual([true]);
    await lovage.run(indexFiling, acme(2020, html));
    expect(await hasRisks()).toEqual([false]);
    expect(await chunkIds()).toEqual([0, 1, 2].map((index) => `ACME_2020_${index}`));
  });

  test('filings of four years ago and of later years count for nothing', async () => {
    await lovage.run(indexFiling, acme(2016));
    await lovage.run(indexFiling, acme(2021));
    const { output } = await runTask(analyze, acme(2020), { db: lovage.db });
    expect(output.risks.map(({ novelty }) => novelty.value)).toEqual([1, 1, 1]);
    await lovage.run(indexFiling, acme(2017));
    const compared = await runTask(analyze, acme(2020), { db: lovage.db });
    expect(compared.output.risks.map(({ novelty }) => novelty.value)).toEqual([0, 0, 0]);
  });
});

describe('bad filings', () => {
  test.each([
    ['no text', '<html><body><p>No text.</p></body></html>', 'no readable text'],
    ['a PDF', '%PDF-1.7 something', 'binary data'],
    ['nothing but space', '   ', 'is empty'],
  ])('%s fails at once and leaves nothing', async (_what, html_content, message) => {
    const task = await lovage.run(analyze, acme(2020, html_content));
    expect(task).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: { code: 'IntegrationError', message: expect.stringContaining(message) },
    });
    expect(await rows(sql`SELECT 1 FROM pack_filings.filing`)).toEqual([]);
  });

  test('a document that is no 10-K is read whole, and says so', async () => {
    const page = `<html><body>${[supplyRisk, cyberRisk].map((text) => `<p>${text}</p>`).join('')}</body></html>`;
    const { result } = await lovage.run(indexFiling, acme(2020, page));
    expect(result?.metadata).toMatchObject({ item_type: 'full_document', status: 'indexed' });
    const analysed = await lovage.run(analyze, acme(2020, page));
    expect(analysed.result?.metadata).toMatchObject({ item_1a_found: false });
  });

  test('risk factors that are none index nothing', async () => {
    const none = makeFiling({ heading, body: '<p>Not applicable.</p>' });
    const { result } = await lovage.run(indexFiling, acme(2020, none));
    expect(result?.metadata).toMatchObject({ item_type: '1A', chunks_indexed: 0, status: 'empty' });
  });
});

describe('tenants', () => {
  const as = (tenant: string, year: number, content = html) =>
    runTask(analyze, acme(year, content), { db: lovage.db, tenant });

  test('neither see nor overwrite each other’s filings, passages and market capitalisations', async () => {
    await as('north', 2020);
    await as('south', 2020, longer);
    const kept = await rows(
      sql`SELECT tenant, count(*)::int AS chunks FROM pack_filings.chunk GROUP BY tenant ORDER BY tenant`,
    );
    expect(kept).toEqual([
      { tenant: 'north', chunks: 3 },
      { tenant: 'south', chunks: 4 },
    ]);
    const alone = await as('east', 2021);
    expect(alone.output.risks.every(({ novelty }) => novelty.value === 1)).toBe(true);
    const after = await as('south', 2021);
    expect(after.output.risks.every(({ novelty }) => novelty.value === 0)).toBe(true);

    await storeMarketCap(lovage.db, { tenant: 'north', ticker: 'ACME' }, 5e9);
    const explained = async (tenant: string) =>
      (await as(tenant, 2022)).output.risks.some(({ severity }) =>
        severity.explanation.includes('against the market capitalisation'),
      );
    expect([await explained('north'), await explained('south')]).toEqual([true, false]);
  });
});

describe('a batch', () => {
  test('answers with the ids of its analyses in the order of the request, and starts earlier years first', async () => {
    const given = [acme(2022), acme(2020), { ...acme(2021), ticker: 'PUMP' }, acme(2022)];
    const { children, output } = await runTask(batchAnalyze, { filings: given });
    expect(children.map(({ step }) => step)).toEqual([
      '1 ACME 2020',
      '2 PUMP 2021',
      '0 ACME 2022',
      '3 ACME 2022',
    ]);
    expect(output.total_filings).toBe(4);
    expect(output.results.map(({ ticker, filing_year }) => [ticker, filing_year])).toEqual(
      given.map(({ ticker, filing_year }) => [ticker, filing_year]),
    );
    const ids = new Map(children.map(({ step, id }) => [step, id]));
    expect(output.results.map(({ task_id }) => task_id)).toEqual(
      ['0 ACME 2022', '1 ACME 2020', '2 PUMP 2021', '3 ACME 2022'].map((step) => ids.get(step)),
    );
  });

  test('weighs a company’s years one after the other, whatever the order they came in', async () => {
    const { id, result } = await lovage.run(batchAnalyze, {
      filings: [acme(2022), acme(2021), acme(2020)],
    });
    await lovage.idle();
    const analyses = await Promise.all((result?.results ?? []).map(({ task_id }) => lovage.get(task_id)));
    expect(analyses.map(({ state, parentId }) => [state, parentId])).toEqual(
      analyses.map(() => ['succeeded', id]),
    );
    const novelties = analyses.map((analysis) =>
      (analysis.result as { risks: { novelty: { value: number } }[] }).risks.map(
        ({ novelty }) => novelty.value,
      ),
    );
    expect(novelties).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [1, 1, 1],
    ]);
  });
});

describe('with services', () => {
  let service: ModelService;
  beforeEach(async () => {
    service = await ModelService.open();
    vi.stubEnv('EMBEDDINGS_URL', service.url);
    vi.stubEnv('EMBEDDINGS_MODEL', 'small');
    vi.stubEnv('CLASSIFIER_URL', service.url);
    vi.stubEnv('CLASSIFIER_MODEL', 'chatty');
  });
  afterEach(() => service[Symbol.asyncDispose]());

  const stored = () =>
    rows(sql`SELECT id, classification_method AS method, category, embedding_model AS model, cardinality(embedding) AS dimensions
             FROM pack_filings.chunk ORDER BY id`);

  test('vectors and labels are theirs, and a label is taken over from a passage as good as the same', async () => {
    await lovage.run(indexFiling, acme(2020));
    expect(await stored()).toEqual(
      [0, 1, 2].map((index) => ({
        id: `ACME_2020_${index}`,
        method: 'llm',
        category: 'competitive',
        model: 'small',
        dimensions: 64,
      })),
    );
    service.reset();
    const { result } = await lovage.run(analyze, acme(2021, longer));
    const asked = service.asked.flatMap(({ body }) => passagesOf(body));
    expect(asked.map(({ id }) => id)).toEqual(['ACME_2021_3']);
    expect(result?.risks.map((risk) => risk.classification_method).toSorted()).toEqual([
      'llm',
      'reused',
      'reused',
      'reused',
    ]);
    const texts = service.asked.flatMap(({ body }) => body.input ?? []);
    expect(texts).toHaveLength(4);
  });

  test('what was indexed without the service is embedded when it is compared', async () => {
    vi.stubEnv('EMBEDDINGS_URL', '');
    await lovage.run(indexFiling, acme(2020));
    vi.stubEnv('EMBEDDINGS_URL', service.url);
    service.reset();
    const { result } = await lovage.run(analyze, acme(2021));
    expect(service.asked.flatMap(({ body }) => body.input ?? [])).toHaveLength(6);
    expect(result?.risks.map(({ novelty }) => novelty.value)).toEqual([0, 0, 0]);
  });

  test('where the model talks nonsense the keywords’ labels stay, and the history says so', async () => {
    service.answer = (asked) =>
      asked.path === '/v1/embeddings'
        ? answerWell(asked)
        : { body: complete({ labels: [labelAs('ACME_2020_0'), labelAs('ACME_2020_1', 'nonsense')] }) };
    const { id } = await lovage.run(indexFiling, acme(2020));
    expect((await stored()).map(({ method }) => method)).toEqual(['llm', 'keyword', 'keyword']);
    const lines = (await lovage.events(id)).filter(({ type }) => type === 'log');
    expect(lines.map(({ data }) => data['message'])).toEqual([expect.stringContaining('1 of 3 passages')]);
  });

  test('a service that is down is asked again after 60, 120 and 240 s, four times in all', async () => {
    service.answer = () => ({ status: 503, body: { error: 'overloaded' } });
    const { id } = await lovage.enqueue(analyze, acme(2020));
    for (const [index, seconds] of [60, 120, 240].entries()) {
      await lovage.idle();
      const task = await lovage.get(id);
      const last = (await lovage.events(id)).findLast(({ type }) => type === 'retrying');
      expect(task).toMatchObject({ state: 'retrying', attempt: index + 1 });
      const waitMs = Date.parse(task.dueAt) - Date.parse(last?.at ?? '');
      expect(waitMs / 1000).toBeCloseTo(seconds, 1);
      await lovage.advance((seconds - 2) * 1000);
      await lovage.idle();
      expect(await lovage.get(id)).toMatchObject({ state: 'retrying', attempt: index + 1 });
      await lovage.advance(2000);
    }
    await lovage.idle();
    expect(await lovage.get(id)).toMatchObject({
      state: 'failed',
      attempt: 4,
      error: { code: 'EmbeddingsError', message: expect.stringContaining('answered 503') },
    });
    expect(await rows(sql`SELECT 1 FROM pack_filings.filing`)).toEqual([]);
  });

  test('one that comes back is asked once more and no oftener; one that lies is not asked again', async () => {
    let isDown = true;
    service.answer = (asked) => (isDown ? { status: 500, body: {} } : answerWell(asked));
    const { id } = await lovage.enqueue(analyze, acme(2020));
    await lovage.idle();
    isDown = false;
    await lovage.advance(60_000);
    await lovage.idle();
    expect(await lovage.get(id)).toMatchObject({ state: 'succeeded', attempt: 2 });

    service.answer = () => ({ type: 'text/html', body: '<html>sign in</html>' });
    expect(await lovage.run(analyze, acme(2021))).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: { code: 'EmbeddingsError', message: expect.stringContaining('text/html instead of JSON') },
    });
  });

  test('an analysis that is cancelled while it waits for the service leaves nothing', async () => {
    service.answer = () => ({ isSilent: true });
    const { id } = await lovage.enqueue(analyze, acme(2020));
    await vi.waitFor(() => expect(service.asked).toHaveLength(1), { timeout: 5_000, interval: 10 });
    await lovage.cancel(id);
    await lovage.idle();
    expect(await lovage.get(id)).toMatchObject({ state: 'cancelled' });
    expect(await rows(sql`SELECT 1 FROM pack_filings.filing`)).toEqual([]);
  });
});
