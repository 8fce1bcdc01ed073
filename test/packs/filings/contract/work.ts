import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { filing, type Client, type Status, type Submitted } from './client.ts';

/** What the tasks do, seen through the API. */
export function testWork(client: Client): void {
  test('a real 10-K is analysed with its steps in the history; twice it leaves the same rows', async () => {
    const file = new URL('../../../fixtures/filings/apple-10k-fy2025.html.gz', import.meta.url);
    const html = new TextDecoder('windows-1252').decode(gunzipSync(readFileSync(file)));
    const sent = { ticker: 'AAPL', filing_year: 2025, html_content: html };
    const { body: accepted } = await client.call<Submitted>('/analyze', sent);
    const first = await client.reaches(accepted.task_id, 'SUCCESS');
    expect(first.result?.risks).toHaveLength(10);
    const events = await client.native<{ items: { type: string; data: { current: number } }[] }>(
      `/v1/tasks/${accepted.task_id}/events`,
    );
    const steps = events.body.items.filter(({ type }) => type === 'progress').map(({ data }) => data.current);
    expect(steps).toEqual([0, 1, 2, 3, 4, 5]);
    const chunks = () =>
      client.lab.lab.sql(
        "SELECT id, text, category FROM pack_filings.chunk WHERE ticker = 'AAPL' ORDER BY id",
      );
    const before = await chunks();
    expect(before).toHaveLength(Number(first.result?.metadata['chunks_indexed']));
    const second = await client.call<Status['result']>('/analyze?async_mode=false', sent);
    expect(second.body?.risks).toEqual(first.result?.risks);
    expect(await chunks()).toEqual(before);
  });

  test('five submits at once get five ids', async () => {
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map(() => client.call<Submitted>('/analyze', filing('FIVE'))),
    );
    const ids = new Set(answers.map(({ body: { task_id } }) => task_id));
    expect(ids.size).toBe(5);
    for (const id of ids) await client.reaches(id, 'SUCCESS');
  });

  test('a market capitalisation that an admin enters is what amounts are weighed against', async () => {
    const put = (ticker: string, sent: unknown, of = client.lab.key) =>
      client.lab.call(client.lab.url('filings').prefix, `/market-caps/${ticker}`, {
        method: 'PUT',
        key: of,
        body: sent,
      });
    expect(await client.call('/market-caps/CAPS')).toMatchObject({ status: 404 });
    expect(await put('CAPS', { value: 5e9 })).toMatchObject({
      status: 200,
      body: { ticker: 'CAPS', value: 5e9 },
    });
    await put('CAPS', { value: 6e9 });
    expect(await client.call('/market-caps/CAPS')).toMatchObject({ body: { ticker: 'CAPS', value: 6e9 } });
    expect(await put('CAPS', { value: 0 })).toMatchObject({ status: 422 });
    expect(await put('caps', { value: 5e9 })).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['path', 'ticker'] }] },
    });
    expect(await put('CAPS', { value: 1 }, await client.lab.keyFor(['enqueue', 'read']))).toMatchObject({
      status: 403,
    });
    const { body: analysis } = await client.call<{ risks: { severity: { explanation: string } }[] }>(
      '/analyze?async_mode=false',
      filing('CAPS'),
    );
    expect(
      analysis.risks.some(({ severity }) =>
        severity.explanation.includes('against the market capitalisation'),
      ),
    ).toBe(true);
  });

  test('a search finds passages by their words, and no tenant those of another', async () => {
    const { body: accepted } = await client.call<Submitted>('/index', filing('SEEK'));
    await client.reaches(accepted.task_id, 'SUCCESS');
    const found = await client.call<{ results: object[] }>('/search?q=ransomware&ticker=SEEK');
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
    expect(await client.call('/search?ticker=SEEK')).toMatchObject({ status: 422 });

    const other = { key: await client.lab.keyFor(['enqueue', 'read', 'admin'], 'south') };
    expect(await client.call('/search?q=ransomware', undefined, other)).toMatchObject({
      body: { results: [] },
    });
    expect(await client.call(`/tasks/${accepted.task_id}`, undefined, other)).toMatchObject({ status: 404 });
    expect(await client.call('/market-caps/CAPS', undefined, other)).toMatchObject({ status: 404 });
    await client.call('/index?async_mode=false', filing('SEEK'), other);
    expect(await client.call('/search?q=ransomware', undefined, other)).toMatchObject({
      body: { results: [{ ticker: 'SEEK' }] },
    });
  });

  test('all routes are in the OpenAPI document, with what they answer', async () => {
    const { body: document } = await client.native<{
      paths: Record<string, Record<string, { responses: object }>>;
    }>('/v1/openapi.json');
    const answers = (path: string, method: string) =>
      Object.keys(document.paths[`/filings${path}`]?.[method]?.responses ?? {});
    const refusals = ['401', '422', '429', '503'];
    expect(answers('/analyze', 'post')).toEqual(
      expect.arrayContaining(['200', '202', '400', '404', ...refusals]),
    );
    expect(answers('/index', 'post')).toEqual(
      expect.arrayContaining(['200', '202', '400', '404', ...refusals]),
    );
    expect(answers('/analyze/batch', 'post')).toEqual(expect.arrayContaining(['202', '404', ...refusals]));
    for (const path of ['/analyze/batch/{id}', '/tasks/{id}', '/market-caps/{ticker}'])
      expect(answers(path, 'get')).toEqual(expect.arrayContaining(['200', '404', '401']));
    expect(answers('/market-caps/{ticker}', 'put')).toEqual(expect.arrayContaining(['200', '403', '422']));
    expect(answers('/search', 'get')).toEqual(expect.arrayContaining(['200', '422']));
    expect(answers('/ready', 'get')).toEqual(expect.arrayContaining(['200', '503']));
    for (const path of ['/health', '/live']) expect(answers(path, 'get')).toContain('200');
  });
}
