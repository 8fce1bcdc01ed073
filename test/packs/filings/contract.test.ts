import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../lab.ts';
import { cyberRisk, lawsuitRisk, makeFiling, supplyRisk } from '../filings-analysis/filing.ts';
import { openPackLab, type PackLab } from '../pack-lab.ts';
import { answerWell, ModelService } from './model-service.ts';

const body = [supplyRisk, lawsuitRisk, cyberRisk].map(
  (risk) => `<p><b>${risk.slice(0, risk.indexOf('. ') + 1)}</b></p><p>${risk}</p>`,
);
const html_content = makeFiling({
  heading: '<p><b>Item 1A. Risk Factors</b></p>',
  body: body.join(''),
});
const filing = (ticker: string, filing_year = 2020) => ({ ticker, filing_year, html_content });
const unreadable = { ticker: 'ACME', filing_year: 2021, html_content: '<html><body></body></html>' };
const UNKNOWN = '00000000-0000-7000-8000-000000000000';

interface Submitted {
  task_id: string;
  status_url: string;
  message: string;
}
interface Status {
  task_id: string;
  status: string;
  progress: { current: number; total: number | null; status: string | null } | null;
  result: { risks: object[]; metadata: Record<string, unknown> } | null;
  error: string | null;
}

let service: ModelService;
let folder: string;
let lab: PackLab;
let key: string;

beforeAll(async () => {
  service = await ModelService.open();
  folder = await mkdtemp(join(tmpdir(), 'lovage-filings-'));
  await mkdir(join(folder, 'filings'));
  lab = await openPackLab({
    env: {
      FILINGS_DIR: join(folder, 'filings'),
      FILINGS_DEFAULT_SYNC: '',
      EMBEDDINGS_URL: service.url,
      CLASSIFIER_URL: '',
      GOOGLE_API_KEY: '',
    },
  });
  key = lab.key;
}, 60_000);
beforeEach(() => service.reset());
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** As its clients do: the key in X-API-Key. */
const call = <Body = unknown>(path: string, sent?: unknown, more: { base?: string; key?: string } = {}) =>
  lab.call<Body>(more.base ?? lab.url('filings').prefix, path, {
    key: null,
    headers: { 'x-api-key': more.key ?? key },
    ...(sent === undefined ? {} : { body: sent }),
  });
const native = <Body = unknown>(path: string, sent?: unknown) =>
  lab.call<Body>(new URL(lab.url('filings').prefix).origin, path, sent === undefined ? {} : { body: sent });
const statusOf = async (id: string) => (await call<Status>(`/tasks/${id}`)).body;
const reaches = (id: string, word: string) =>
  until(
    () => statusOf(id),
    ({ status }) => status === word,
  );

describe.each(['prefix', 'own'] as const)('at its %s', (mount) => {
  const at = <Body = unknown>(path: string, sent?: unknown) =>
    call<Body>(path, sent, { base: lab.url('filings')[mount] });
  const under = mount === 'prefix' ? '/filings' : '';

  test('an analysis is accepted with 202 and followed to its result', async () => {
    const { status, body: accepted } = await at<Submitted>('/analyze', filing('ACME'));
    expect({ status, accepted }).toEqual({
      status: 202,
      accepted: {
        task_id: expect.any(String),
        status_url: `${under}/tasks/${accepted.task_id}`,
        message: expect.any(String),
      },
    });
    const done = await until(
      () => at<Status>(`/tasks/${accepted.task_id}`),
      ({ body: shown }) => shown.status === 'SUCCESS',
    );
    expect(done).toMatchObject({ status: 200 });
    expect(done.body).toEqual({
      task_id: accepted.task_id,
      status: 'SUCCESS',
      progress: { current: 5, total: 5, status: 'Done' },
      result: {
        ticker: 'ACME',
        filing_year: 2020,
        risks: expect.any(Array),
        metadata: {
          chunks_indexed: 3,
          risks_analyzed: 3,
          total_latency_ms: expect.any(Number),
          index_latency_ms: expect.any(Number),
          retrieve_top_k: 10,
          rerank: false,
          item_1a_found: true,
        },
      },
      error: null,
    });
    expect(done.body.result?.risks[0]).toEqual({
      text: expect.any(String),
      source_citation: expect.any(String),
      severity: { value: expect.any(Number), explanation: expect.any(String) },
      novelty: { value: expect.any(Number), explanation: expect.any(String) },
      metadata: expect.any(Object),
      category: expect.any(String),
      category_confidence: expect.any(Number),
      classification_method: 'keyword',
    });
  });

  test('async_mode=false answers with the bare result, and 400 for a filing that nobody can read', async () => {
    const waited = await at<{ risks: object[] }>('/analyze?async_mode=False', filing('ACME'));
    expect(waited).toMatchObject({ status: 200, body: { ticker: 'ACME', risks: expect.any(Array) } });
    expect(await at('/analyze?async_mode=false', unreadable)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('no readable text') },
    });
  });

  test('a filing is indexed, with 202 or at once', async () => {
    const accepted = await at<Submitted>('/index', filing('ACME'));
    expect(accepted).toMatchObject({
      status: 202,
      body: { status_url: `${under}/tasks/${accepted.body.task_id}` },
    });
    expect(await reaches(accepted.body.task_id, 'SUCCESS')).toMatchObject({
      progress: { current: 4, total: 4 },
    });
    const waited = await at('/index?async_mode=false', filing('ACME'));
    expect(waited).toMatchObject({
      status: 200,
      body: { metadata: { item_type: '1A', chunks_indexed: 3, status: 'indexed' } },
    });
  });

  test('a batch is accepted with 202 and shown as one with its analyses', async () => {
    const filings = [filing('PUMP', 2021), unreadable, filing('PUMP', 2020)];
    const accepted = await at<Submitted>('/analyze/batch', { filings });
    expect(accepted.status).toBe(202);
    expect(accepted.body.status_url).toBe(`${under}/analyze/batch/${accepted.body.task_id}`);
    const done = await until(
      () => at<Record<string, unknown>>(`/analyze/batch/${accepted.body.task_id}`),
      ({ body: shown }) => shown['status'] === 'FAILURE',
    );
    expect(done.body).toEqual({
      task_id: accepted.body.task_id,
      status: 'FAILURE',
      total_filings: 3,
      counts: { PENDING: 0, PROGRESS: 0, RETRY: 0, SUCCESS: 2, FAILURE: 1, REVOKED: 0 },
      progress: { current: 3, total: 3, status: '3 of 3 filings finished' },
      results: filings.map(({ ticker, filing_year }, place) => ({
        ticker,
        filing_year,
        task_id: expect.any(String),
        status: place === 1 ? 'FAILURE' : 'SUCCESS',
        result: place === 1 ? null : expect.objectContaining({ ticker, filing_year }),
        error: place === 1 ? expect.stringContaining('no readable text') : null,
      })),
      errors: [
        {
          ticker: 'ACME',
          filing_year: 2021,
          task_id: expect.any(String),
          error: expect.stringContaining('no readable text'),
        },
      ],
      error: null,
    });
    const own = await statusOf(accepted.body.task_id);
    const { results } = done.body as { results: { task_id: string }[] };
    expect(own.result).toEqual({
      total_filings: 3,
      results: filings.map(({ ticker, filing_year }, place) => ({
        ticker,
        filing_year,
        task_id: results[place]?.task_id,
      })),
    });
  });

  test('health, readiness and liveness answer without a key', async () => {
    const open = (path: string) => lab.call(lab.url('filings')[mount], path, { key: null });
    expect(await open('/health')).toMatchObject({
      status: 200,
      body: { status: 'healthy', version: expect.any(String) },
    });
    expect(await open('/ready')).toMatchObject({ status: 200, body: { redis: true, chromadb: true } });
    expect(await open('/live')).toMatchObject({ status: 200 });
  });

  test('what is wrong, missing or not allowed is said in this system’s words', async () => {
    const base = lab.url('filings')[mount];
    const detail = { detail: expect.any(String) };
    expect(await lab.call(base, '/analyze', { key: null, body: filing('ACME') })).toMatchObject({
      status: 401,
      body: detail,
    });
    expect(await call(`/tasks/${UNKNOWN}`, undefined, { base, key: 'nonsense' })).toMatchObject({
      status: 401,
      body: detail,
    });
    for (const path of [`/tasks/${UNKNOWN}`, '/tasks/no-id', `/analyze/batch/${UNKNOWN}`, '/nowhere'])
      expect(await at(path)).toMatchObject({ status: 404, body: detail });
    expect(await at('/analyze', '{"ticker": ')).toMatchObject({ status: 400, body: detail });
    expect(await at('/analyze', { ticker: 'ACME', filing_year: 2020, html_path: 'none.html' })).toMatchObject(
      { status: 404, body: { detail: 'no filing at "none.html"' } },
    );
  });
});

describe('states', () => {
  test('PENDING while it waits, PROGRESS while it runs, RETRY between attempts, and REVOKED when cancelled', async () => {
    await native('/v1/queues/filings/pause', {});
    const { body: first } = await call<Submitted>('/analyze', filing('STATE'));
    expect(await statusOf(first.task_id)).toEqual({
      task_id: first.task_id,
      status: 'PENDING',
      progress: null,
      result: null,
      error: null,
    });
    service.answer = () => ({ isSilent: true });
    await native('/v1/queues/filings/resume', {});
    await reaches(first.task_id, 'PROGRESS');
    const running = await until(
      () => statusOf(first.task_id),
      ({ progress }) => progress?.current === 2,
    );
    expect(running).toMatchObject({ progress: { current: 2, total: 5, status: expect.any(String) } });
    await native(`/v1/tasks/${first.task_id}/cancel`, {});
    expect(await reaches(first.task_id, 'REVOKED')).toMatchObject({ result: null });

    service.answer = () => ({ status: 502, type: 'text/html', body: '<html>Bad gateway</html>' });
    const { body: second } = await call<Submitted>('/analyze', filing('STATE'));
    expect(await reaches(second.task_id, 'RETRY')).toMatchObject({
      result: null,
      error: expect.stringContaining('502'),
    });
    const { body: task } = await native<{ attempt: number; maxAttempts: number; dueAt: string }>(
      `/v1/tasks/${second.task_id}`,
    );
    expect(task).toMatchObject({ attempt: 1, maxAttempts: 4 });
    const batch = await call<Submitted>('/analyze/batch', { filings: [filing('STATE', 2019)] });
    expect(
      await until(
        () => call<{ status: string; counts: object }>(`/analyze/batch/${batch.body.task_id}`),
        ({ body: shown }) => (shown.counts as { RETRY: number }).RETRY === 1,
      ),
    ).toMatchObject({ body: { status: 'PROGRESS', progress: { current: 0, total: 1 } } });
    await native(`/v1/tasks/${second.task_id}/cancel`, {});
    expect(await reaches(second.task_id, 'REVOKED')).toMatchObject({ result: null });
  });

  test('a service that lies is a FAILURE at once, under the name of what failed', async () => {
    service.answer = () => ({ type: 'text/html', body: '<html>Sign in</html>' });
    const { body: accepted } = await call<Submitted>('/analyze', filing('LIES'));
    const failed = await reaches(accepted.task_id, 'FAILURE');
    expect(failed).toMatchObject({ result: null, error: expect.stringContaining('text/html') });
    const { body: task } = await native(`/v1/tasks/${accepted.task_id}`);
    expect(task).toMatchObject({ attempt: 1, error: { code: 'EmbeddingsError' } });
    expect(await call('/analyze?async_mode=false', filing('LIES'))).toMatchObject({ status: 500 });
  });

  test('a filing that nobody can read is a FAILURE at once', async () => {
    const { body: accepted } = await call<Submitted>('/analyze', unreadable);
    await reaches(accepted.task_id, 'FAILURE');
    const { body: task } = await native(`/v1/tasks/${accepted.task_id}`);
    expect(task).toMatchObject({ attempt: 1, error: { code: 'IntegrationError' } });
  });
});

test('a real 10-K is analysed with its steps in the history; twice it leaves the same rows', async () => {
  const file = new URL('../../fixtures/filings/apple-10k-fy2025.html.gz', import.meta.url);
  const html = new TextDecoder('windows-1252').decode(gunzipSync(readFileSync(file)));
  const sent = { ticker: 'AAPL', filing_year: 2025, html_content: html };
  const { body: accepted } = await call<Submitted>('/analyze', sent);
  const first = await reaches(accepted.task_id, 'SUCCESS');
  expect(first.result?.risks).toHaveLength(10);
  const events = await native<{ items: { type: string; data: { current: number } }[] }>(
    `/v1/tasks/${accepted.task_id}/events`,
  );
  const steps = events.body.items.filter(({ type }) => type === 'progress').map(({ data }) => data.current);
  expect(steps).toEqual([0, 1, 2, 3, 4, 5]);
  const chunks = () =>
    lab.lab.sql("SELECT id, text, category FROM pack_filings.chunk WHERE ticker = 'AAPL' ORDER BY id");
  const before = await chunks();
  expect(before).toHaveLength(Number(first.result?.metadata['chunks_indexed']));
  const second = await call<Status['result']>('/analyze?async_mode=false', sent);
  expect(second.body?.risks).toEqual(first.result?.risks);
  expect(await chunks()).toEqual(before);
});

test('five submits at once get five ids', async () => {
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => call<Submitted>('/analyze', filing('FIVE'))));
  const ids = new Set(answers.map(({ body: { task_id } }) => task_id));
  expect(ids.size).toBe(5);
  for (const id of ids) await reaches(id, 'SUCCESS');
});

describe('html_path', () => {
  const analyze = (html_path: string) =>
    call('/analyze?async_mode=false', { ticker: 'ACME', filing_year: 2022, html_path });

  test('reads below FILINGS_DIR, and nothing outside it by path or by link', async () => {
    await writeFile(join(folder, 'filings/a.html'), html_content);
    await writeFile(join(folder, 'secret.html'), html_content);
    await symlink(join(folder, 'secret.html'), join(folder, 'filings/link.html'));
    expect((await analyze('a.html')).status).toBe(200);
    for (const outside of ['../secret.html', 'link.html', join(folder, 'secret.html'), 'x\\..\\y', '.'])
      expect(await analyze(outside)).toMatchObject({
        status: 404,
        body: { detail: expect.stringContaining('no filing') },
      });
    const filings = [filing('ACME'), { ticker: 'ACME', filing_year: 2022, html_path: '../secret.html' }];
    expect((await call('/analyze/batch', { filings })).status).toBe(404);
  });
});

describe('422', () => {
  const invalid = expect.objectContaining({
    loc: expect.any(Array),
    msg: expect.any(String),
    type: expect.any(String),
  });

  test.each([
    ['neither html_content nor html_path', {}, 'html_content'],
    ['both', { html_content: 'x', html_path: 'y' }, 'html_content'],
    ['a year too early', { filing_year: 1989, html_content: 'x' }, 'filing_year'],
    ['a year too late', { filing_year: 2031, html_content: 'x' }, 'filing_year'],
    ['a ticker in small letters', { ticker: 'aapl', html_content: 'x' }, 'ticker'],
    ['an empty document', { html_content: '' }, 'html_content'],
    ['too many risks', { retrieve_top_k: 51, html_content: 'x' }, 'retrieve_top_k'],
    ['no risks', { retrieve_top_k: 0, html_content: 'x' }, 'retrieve_top_k'],
  ])('for %s', async (_what, change, field) => {
    const sent = { ticker: 'ACME', filing_year: 2020, ...change };
    const analysis = await call<{ detail: { loc: unknown[] }[] }>('/analyze', sent);
    expect(analysis).toMatchObject({ status: 422, body: { detail: expect.arrayContaining([invalid]) } });
    expect(analysis.body.detail.map(({ loc }) => loc)).toContainEqual(['body', field]);
    const batch = await call<{ detail: { loc: unknown[] }[] }>('/analyze/batch', { filings: [sent] });
    expect(batch.status).toBe(422);
    expect(batch.body.detail.map(({ loc }) => loc)).toContainEqual(['body', 'filings', 0, field]);
  });

  test('for a batch of none or of more than a hundred, and for top_k of an index', async () => {
    const many = (count: number) => ({ filings: Array.from({ length: count }, () => unreadable) });
    for (const sent of [many(0), many(101), {}])
      expect(await call('/analyze/batch', sent)).toMatchObject({ status: 422, body: { detail: [invalid] } });
    const hundred = await call<Submitted>('/analyze/batch', many(100));
    expect(hundred.status).toBe(202);
    const all = await until(
      () => call<{ status: string; counts: object }>(`/analyze/batch/${hundred.body.task_id}`),
      ({ body: shown }) => shown.status === 'FAILURE',
    );
    expect(all.body.counts).toMatchObject({ FAILURE: 100 });
    expect((await call('/index', { ...filing('ACME'), retrieve_top_k: 3 })).status).toBe(422);
  });
});

test('the eleventh call in a minute of a key that may make ten is 429', async () => {
  const made = await native<{ key: string }>('/v1/keys', {
    name: 'ten-a-minute',
    scopes: ['enqueue', 'read'],
    rate: { limit: 10, periodMs: 60_000 },
  });
  expect(made.status).toBe(201);
  const calls = await Promise.all(
    Array.from({ length: 11 }, () => call(`/tasks/${UNKNOWN}`, undefined, { key: made.body.key })),
  );
  expect(calls.map(({ status }) => status).toSorted()).toEqual([...Array<number>(10).fill(404), 429]);
  expect(calls.find(({ status }) => status === 429)?.body).toEqual({
    error: expect.stringMatching(/^Rate limit exceeded/),
  });
});

test('a market capitalisation that an admin enters is what amounts are weighed against', async () => {
  const put = (ticker: string, sent: unknown, of = key) =>
    lab.call(lab.url('filings').prefix, `/market-caps/${ticker}`, { method: 'PUT', key: of, body: sent });
  expect(await call('/market-caps/CAPS')).toMatchObject({ status: 404 });
  expect(await put('CAPS', { value: 5e9 })).toMatchObject({
    status: 200,
    body: { ticker: 'CAPS', value: 5e9 },
  });
  await put('CAPS', { value: 6e9 });
  expect(await call('/market-caps/CAPS')).toMatchObject({ body: { ticker: 'CAPS', value: 6e9 } });
  expect(await put('CAPS', { value: 0 })).toMatchObject({ status: 422 });
  expect(await put('caps', { value: 5e9 })).toMatchObject({
    status: 422,
    body: { detail: [{ loc: ['path', 'ticker'] }] },
  });
  expect(await put('CAPS', { value: 1 }, await lab.keyFor(['enqueue', 'read']))).toMatchObject({
    status: 403,
  });
  const { body: analysis } = await call<{ risks: { severity: { explanation: string } }[] }>(
    '/analyze?async_mode=false',
    filing('CAPS'),
  );
  expect(
    analysis.risks.some(({ severity }) => severity.explanation.includes('against the market capitalisation')),
  ).toBe(true);
});

test('a search finds passages by their words, and no tenant those of another', async () => {
  const { body: accepted } = await call<Submitted>('/index', filing('SEEK'));
  await reaches(accepted.task_id, 'SUCCESS');
  const found = await call<{ results: object[] }>('/search?q=ransomware&ticker=SEEK');
  expect(found.body.results).toEqual([
    {
      chunk_id: 'SEEK_2020_2',
      ticker: 'SEEK',
      filing_year: 2020,
      category: 'technological',
      text: expect.stringContaining('ransomware'),
      rank: expect.any(Number),
    },
  ]);
  expect(await call('/search?ticker=SEEK')).toMatchObject({ status: 422 });

  const other = { key: await lab.keyFor(['enqueue', 'read', 'admin'], 'south') };
  expect(await call('/search?q=ransomware', undefined, other)).toMatchObject({ body: { results: [] } });
  expect(await call(`/tasks/${accepted.task_id}`, undefined, other)).toMatchObject({ status: 404 });
  expect(await call('/market-caps/CAPS', undefined, other)).toMatchObject({ status: 404 });
  await call('/index?async_mode=false', filing('SEEK'), other);
  expect(await call('/search?q=ransomware', undefined, other)).toMatchObject({
    body: { results: [{ ticker: 'SEEK' }] },
  });
});

test('without Postgres it is 503 and nothing is stored; it recovers by itself', async () => {
  const count = async () => Number((await lab.lab.sql('SELECT count(*) FROM lovage.task'))[0]?.['count']);
  const before = await count();
  await lab.stopPostgres();
  for (const [path, sent] of [
    ['/analyze', filing('GONE')],
    ['/index', filing('GONE')],
    ['/analyze/batch', { filings: [filing('GONE')] }],
  ] as const)
    expect(await call(path, sent)).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining('service unavailable') },
    });
  expect(await call('/ready')).toMatchObject({ status: 503, body: { redis: false, chromadb: false } });
  expect(await call('/health')).toMatchObject({ status: 200 });
  expect(await count()).toBe(before);
  await lab.startPostgres();
  await until(
    () => call('/ready'),
    ({ status }) => status === 200,
  );
  service.answer = answerWell;
  const { body: accepted } = await call<Submitted>('/analyze', filing('BACK'));
  await reaches(accepted.task_id, 'SUCCESS');
  expect(await lab.lab.violations()).toEqual([]);
});
