import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { storeMarketCap } from '../../../packs/filings/store/market-caps.ts';
import { analyze } from '../../../packs/filings/tasks/analyze.ts';
import { batchAnalyze } from '../../../packs/filings/tasks/batch-analyze.ts';
import { indexFiling } from '../../../packs/filings/tasks/index-filing.ts';
import { runTask } from '../../../src/testing/index.ts';
import { cyberRisk, supplyRisk } from '../filings-analysis/filing.ts';
import { acme, html, longer, openFilings, withoutRisks } from './open-filings.ts';

const { lovage, rows } = openFilings();
afterEach(() => void vi.unstubAllEnvs());

const chunkIds = async () =>
  (await rows(sql`SELECT id FROM pack_filings.chunk ORDER BY id`)).map(({ id }) => id);

describe('indexing', () => {
  test('takes four steps and says what it indexed; the year after is weighed against it', async () => {
    const { id, state, result } = await lovage().run(indexFiling, acme(2020));
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
    const progress = (await lovage().events(id)).filter(({ type }) => type === 'progress');
    expect(progress.map(({ data }) => [data['current'], data['total']])).toEqual(
      [0, 1, 2, 3, 4].map((current) => [current, 4]),
    );

    const { output } = await runTask(analyze, acme(2021, longer), { db: lovage().db });
    const novelties = output.risks.map(({ text, novelty }) => [
      text.includes('key personnel'),
      novelty.value,
    ]);
    expect(novelties.filter(([isNew]) => !isNew).every(([, value]) => value === 0)).toBe(true);
    expect(novelties.filter(([isNew]) => isNew)).toEqual([[true, expect.toSatisfy((n: number) => n > 0.5)]]);
  });

  test('a shorter filing leaves no chunk of the longer one, which keeps its risks only while it is the same', async () => {
    await lovage().run(analyze, acme(2020, longer));
    expect(await chunkIds()).toEqual([0, 1, 2, 3].map((index) => `ACME_2020_${index}`));
    const hasRisks = async () =>
      (await rows(sql`SELECT risks IS NOT NULL AS "hasRisks" FROM pack_filings.filing`)).map(
        (row) => row['hasRisks'],
      );
    await lovage().run(indexFiling, acme(2020, longer));
    expect(await hasRisks()).toEqual([true]);
    await lovage().run(indexFiling, acme(2020, html));
    expect(await hasRisks()).toEqual([false]);
    expect(await chunkIds()).toEqual([0, 1, 2].map((index) => `ACME_2020_${index}`));
  });

  test('filings of four years ago and of later years count for nothing', async () => {
    await lovage().run(indexFiling, acme(2016));
    await lovage().run(indexFiling, acme(2021));
    const { output } = await runTask(analyze, acme(2020), { db: lovage().db });
    expect(output.risks.map(({ novelty }) => novelty.value)).toEqual([1, 1, 1]);
    await lovage().run(indexFiling, acme(2017));
    const compared = await runTask(analyze, acme(2020), { db: lovage().db });
    expect(compared.output.risks.map(({ novelty }) => novelty.value)).toEqual([0, 0, 0]);
  });
});

describe('bad filings', () => {
  test.each([
    ['no text', '<html><body><p>No text.</p></body></html>', 'no readable text'],
    ['a PDF', '%PDF-1.7 something', 'binary data'],
    ['nothing but space', '   ', 'is empty'],
  ])('%s fails at once and leaves nothing', async (_what, html_content, message) => {
    const task = await lovage().run(analyze, acme(2020, html_content));
    expect(task).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: { code: 'IntegrationError', message: expect.stringContaining(message) },
    });
    expect(await rows(sql`SELECT 1 FROM pack_filings.filing`)).toEqual([]);
  });

  test('a document that is no 10-K is read whole, and says so', async () => {
    const page = `<html><body>${[supplyRisk, cyberRisk].map((text) => `<p>${text}</p>`).join('')}</body></html>`;
    const { result } = await lovage().run(indexFiling, acme(2020, page));
    expect(result?.metadata).toMatchObject({ item_type: 'full_document', status: 'indexed' });
    const analysed = await lovage().run(analyze, acme(2020, page));
    expect(analysed.result?.metadata).toMatchObject({ item_1a_found: false });
  });

  test('characters that Postgres cannot store are replaced, raw in a file and as entities', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lovage-filings-'));
    vi.stubEnv('FILINGS_DIR', folder);
    const odd = html.replaceAll('supplier', 'sup\0plier &#0; &#xD800; supplier');
    await writeFile(join(folder, 'odd.html'), odd);
    const task = await lovage().run(analyze, { ticker: 'ACME', filing_year: 2020, html_path: 'odd.html' });
    expect(task).toMatchObject({ state: 'succeeded' });
    await rm(folder, { recursive: true });
  });

  test('risk factors that are none index nothing', async () => {
    const { result } = await lovage().run(indexFiling, acme(2020, withoutRisks));
    expect(result?.metadata).toMatchObject({ item_type: '1A', chunks_indexed: 0, status: 'empty' });
  });
});

describe('tenants', () => {
  const as = (tenant: string, year: number, content = html) =>
    runTask(analyze, acme(year, content), { db: lovage().db, tenant });

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

    await storeMarketCap(lovage().db, { tenant: 'north', ticker: 'ACME' }, 5e9);
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
    const { id, result } = await lovage().run(batchAnalyze, {
      filings: [acme(2022), acme(2021), acme(2020)],
    });
    await lovage().idle();
    const analyses = await Promise.all((result?.results ?? []).map(({ task_id }) => lovage().get(task_id)));
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

test('FILINGS_DEFAULT_SYNC=1 waits unless async_mode=true', async () => {
  vi.stubEnv('FILINGS_DEFAULT_SYNC', '1');
  const { url, apiKey } = await lovage().serve();
  const post = (path: string) =>
    fetch(`${url}/filings${path}`, {
      method: 'POST',
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
      body: JSON.stringify(acme(2020)),
    });
  expect((await post('/analyze')).status).toBe(200);
  expect((await post('/index')).status).toBe(200);
  expect((await post('/analyze?async_mode=true')).status).toBe(202);
  await lovage().idle();
});

test('an id is unknown an hour after its end; a batch stays known until the last of its analyses is forgotten', async () => {
  const { id, result } = await lovage().run(batchAnalyze, { filings: [acme(2021), acme(2022)] });
  await lovage().idle();
  const { url, apiKey } = await lovage().serve();
  const ask = async (path: string, method = 'GET') =>
    (await fetch(`${url}${path}`, { method, headers: { 'x-api-key': apiKey } })).status;
  await lovage().advance(50 * 60_000);
  const late = result?.results[1]?.task_id ?? '';
  expect(await ask(`/v1/tasks/${late}/retry`, 'POST')).toBe(202);
  await lovage().idle();

  await lovage().advance(20 * 60_000);
  expect(await ask(`/filings/tasks/${id}`)).toBe(404);
  expect(await ask(`/filings/tasks/${late}`)).toBe(200);
  expect(await ask(`/filings/analyze/batch/${id}`)).toBe(200);
  await lovage().advance(50 * 60_000);
  expect(await ask(`/filings/analyze/batch/${id}`)).toBe(404);
});

test('rows from before there were tenants are those of the tenant default', async () => {
  const migrate = async (name: string) => {
    const file = new URL(`../../../packs/filings/drizzle/${name}.sql`, import.meta.url);
    for (const statement of readFileSync(file, 'utf8').split('--> statement-breakpoint'))
      await lovage().db.execute(sql.raw(statement));
  };
  await lovage().db.execute(sql`DROP SCHEMA pack_filings CASCADE`);
  await migrate('0000_filings');
  await lovage().db.execute(sql`
    INSERT INTO pack_filings.chunk (id, ticker, year, index, text, terms, weights, category, category_confidence, classification_method)
    VALUES ('ACME_2019_0', 'ACME', 2019, 0, ${supplyRisk}, '{}', '{}', 'competitive', 1, 'keyword')`);
  await lovage().db.execute(sql`INSERT INTO pack_filings.market_cap VALUES ('ACME', 5e9)`);
  await migrate('0001_tenants');
  const { output } = await runTask(analyze, acme(2020), { db: lovage().db });
  expect(output.risks.map((risk) => risk.classification_method)).toContain('reused');
  expect(output.risks.some(({ severity }) => severity.explanation.includes('market capitalisation'))).toBe(
    true,
  );
});
