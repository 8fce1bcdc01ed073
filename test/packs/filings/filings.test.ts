import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventView } from '../../../src/wire.ts';
import { openLab, until, type Lab, type LabProcess } from '../../lab.ts';
import { makeFiling } from '../filings-analysis/filing.ts';

const KEY = 'the-key-of-the-filings-test';
const config = new URL('../../../lovage.config.ts', import.meta.url).pathname;

let lab: Lab;
let folder: string;
let dev: LabProcess;
let url: string;

beforeAll(async () => {
  lab = await openLab();
  folder = await mkdtemp(join(tmpdir(), 'lovage-filings-'));
  await mkdir(join(folder, 'filings'));
  const env = { LOVAGE_CONFIG: config, LOVAGE_API_KEY: KEY, PORT: '0', FILINGS_DIR: join(folder, 'filings') };
  dev = await lab.spawn(['dev'], env);
  const shown = await until(() => /(http:\/\/[\d.:]+)\/v1/.exec(dev.output()), Boolean, 40_000);
  url = shown?.[1] ?? '';
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** As filed: Windows-1252 bytes. */
const apple = (year: number): string => {
  const file = new URL(`../../fixtures/filings/apple-10k-fy${year}.html.gz`, import.meta.url);
  return new TextDecoder('windows-1252').decode(gunzipSync(readFileSync(file)));
};

async function call(
  path: string,
  body?: unknown,
  headers: Record<string, string> = { 'x-api-key': KEY },
): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${url}${path}`, {
    headers,
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

interface Analysis {
  risks: {
    novelty: { value: number };
    severity: { value: number };
    category: string;
    source_citation: string;
  }[];
  metadata: { chunks_indexed: number; item_1a_found: boolean };
}

/** All that a test looks for in an answer, native or in the dialect. */
interface Body extends Analysis {
  id: string;
  state: string;
  items: EventView[];
  task_id: string;
  status: string;
  status_url: string;
  progress: unknown;
  result: Analysis;
  error: string | null;
  detail: unknown;
}

test('a real 10-K comes back analysed over REST, with its five steps in the history', async () => {
  const sent = { ticker: 'AAPL', filing_year: 2024, html_content: apple(2024) };
  const { status, body: task } = await call('/v1/tasks/filings.analyze?async=false', sent);
  expect(status).toBe(200);
  expect(task).toMatchObject({ state: 'succeeded', progress: { current: 5, total: 5 } });
  const analysis = task.result;
  expect(analysis.risks).toHaveLength(10);
  expect(analysis.metadata).toMatchObject({ item_1a_found: true });
  expect(analysis.risks.every(({ novelty }) => novelty.value === 1)).toBe(true);

  const { body: events } = await call(`/v1/tasks/${task.id}/events`);
  const steps = events.items.filter(({ type }) => type === 'progress').map(({ data }) => data['current']);
  expect(steps).toEqual([0, 1, 2, 3, 4, 5]);
  const rows = await lab.sql('SELECT type FROM lovage.task_event WHERE task_id = $1 ORDER BY number', [
    task.id,
  ]);
  expect(rows.map(({ type }) => type)).toEqual(events.items.map(({ type }) => type));
});

test('the year after is weighed against it, and analysed twice it leaves the same rows', async () => {
  const sent = { ticker: 'AAPL', filing_year: 2025, html_content: apple(2025) };
  const first = await call('/filings/analyze?async_mode=false', sent);
  expect(first.status).toBe(200);
  expect(first.body.risks.some(({ novelty }) => novelty.value < 0.3)).toBe(true);
  const chunks = () =>
    lab.sql('SELECT id, text, category FROM pack_filings.chunk WHERE year = 2025 ORDER BY id');
  const before = await chunks();
  expect(before).toHaveLength(first.body.metadata.chunks_indexed);

  const second = await call('/filings/analyze?async_mode=false', sent);
  expect(second.body.risks).toEqual(first.body.risks);
  expect(await chunks()).toEqual(before);
  expect(await lab.sql('SELECT ticker, year FROM pack_filings.filing ORDER BY year')).toEqual([
    { ticker: 'AAPL', year: 2024 },
    { ticker: 'AAPL', year: 2025 },
  ]);
});

test('without waiting the answer is 202 with the id, and the status goes from PENDING to SUCCESS', async () => {
  const sent = {
    ticker: 'ACME',
    filing_year: 2020,
    html_content: makeFiling({ heading: '<p><b>Item 1A. Risk Factors</b></p>' }),
  };
  const accepted = await call('/filings/analyze', sent);
  expect(accepted.status).toBe(202);
  expect(accepted.body).toMatchObject({ task_id: expect.any(String), message: expect.any(String) });
  expect(accepted.body.status_url).toBe(`/filings/tasks/${accepted.body.task_id}`);

  const seen = new Set<string>();
  const last = await until(
    () => call(accepted.body.status_url),
    ({ body }) => seen.add(body.status) && body.status === 'SUCCESS',
  );
  expect([...seen].every((word) => ['PENDING', 'PROGRESS', 'SUCCESS'].includes(word))).toBe(true);
  expect(last.body).toMatchObject({ progress: { current: 5, total: 5 }, error: null });
  expect(last.body.result.metadata.item_1a_found).toBe(true);
});

test('a filing that nobody can read fails at once, as FAILURE, under its own name', async () => {
  const sent = { ticker: 'ACME', filing_year: 2021, html_content: '<html><body></body></html>' };
  const waited = await call('/filings/analyze?async_mode=false', sent);
  expect(waited.status).toBe(400);
  const accepted = await call('/filings/analyze', sent);
  const failed = await until(
    () => call(accepted.body.status_url),
    ({ body }) => body.status === 'FAILURE',
  );
  expect(failed.body).toMatchObject({ result: null, error: expect.any(String) });
  const [row] = await lab.sql<{ code: string; attempt: number }>(
    "SELECT error ->> 'code' AS code, attempt FROM lovage.task WHERE id = $1",
    [accepted.body.task_id],
  );
  expect(row).toEqual({ code: 'IntegrationError', attempt: 1 });
});

test('html_path reads below FILINGS_DIR, and nothing outside it by path or by link', async () => {
  await writeFile(join(folder, 'filings/a.html'), makeFiling({ heading: '<h2>Item 1A. Risk Factors</h2>' }));
  await writeFile(join(folder, 'secret.html'), makeFiling({ heading: '<h2>Item 1A. Risk Factors</h2>' }));
  await symlink(join(folder, 'secret.html'), join(folder, 'filings/link.html'));
  const analyze = (html_path: string) =>
    call('/filings/analyze?async_mode=false', { ticker: 'ACME', filing_year: 2022, html_path });
  expect((await analyze('a.html')).status).toBe(200);
  for (const outside of [
    '../secret.html',
    'link.html',
    join(folder, 'secret.html'),
    'missing.html',
    'x\\..\\y',
  ]) {
    expect(await analyze(outside)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('no filing') },
    });
  }
});

test.each([
  ['neither html_content nor html_path', {}],
  ['both', { html_content: 'x', html_path: 'y' }],
  ['a year out of range', { filing_year: 1900, html_content: 'x' }],
  ['a ticker in small letters', { ticker: 'aapl', html_content: 'x' }],
  ['too many risks', { retrieve_top_k: 51, html_content: 'x' }],
])('%s is 422 in the words of its clients', async (_what, change) => {
  const { status, body } = await call('/filings/analyze', {
    ticker: 'ACME',
    filing_year: 2020,
    ...change,
  });
  expect(status).toBe(422);
  expect(body.detail).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ loc: expect.any(Array), msg: expect.any(String), type: expect.any(String) }),
    ]),
  );
});

test('a missing or wrong key is 401, an unknown id 404, and both say so in detail', async () => {
  const id = '00000000-0000-7000-8000-000000000000';
  expect(await call('/filings/analyze', {}, {})).toMatchObject({
    status: 401,
    body: { detail: expect.any(String) },
  });
  expect(await call(`/filings/tasks/${id}`, undefined, { 'x-api-key': 'nonsense' })).toMatchObject({
    status: 401,
  });
  expect(await call(`/filings/tasks/${id}`)).toMatchObject({
    status: 404,
    body: { detail: expect.any(String) },
  });
  expect(await call('/filings/tasks/not-an-id')).toMatchObject({ status: 404 });
});

test('health, readiness and liveness answer without a key', async () => {
  expect(await call('/filings/health', undefined, {})).toMatchObject({
    status: 200,
    body: { status: 'healthy' },
  });
  expect(await call('/filings/ready', undefined, {})).toMatchObject({
    status: 200,
    body: { redis: true, chromadb: true },
  });
  expect(await call('/filings/live', undefined, {})).toMatchObject({ status: 200 });
});

test('analysing keeps neither the API nor other tasks of the worker waiting', async () => {
  const heavy = Array.from({ length: 4 }, (_, index) =>
    call('/filings/analyze', {
      ticker: 'AAPL',
      filing_year: 2010 + index,
      html_content: apple(2025),
    }),
  );
  const ids = (await Promise.all(heavy)).map(({ body }) => body.task_id);
  const echoed = await call('/v1/tasks/diag.echo?async=false', { value: 1 });
  expect(echoed.body.state).toBe('succeeded');
  const states = await lab.sql<{ state: string }>('SELECT state FROM lovage.task WHERE id = ANY ($1)', [ids]);
  expect(states.some(({ state }) => state !== 'succeeded')).toBe(true);
  for (const id of ids) expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
  expect(await lab.violations()).toEqual([]);
});
