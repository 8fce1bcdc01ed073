import { describe, expect, test } from 'vitest';
import { until } from '../../../lab.ts';
import { UNKNOWN, filing, unreadable, type Client, type Status, type Submitted } from './client.ts';

/** Every route, under the prefix and on a port of its own. */
export function testMounts(client: Client): void {
  describe.each(['prefix', 'own'] as const)('at its %s', (mount) => {
    const at = <Body = unknown>(path: string, sent?: unknown) =>
      client.call<Body>(path, sent, { base: client.lab.url('filings')[mount] });
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
      expect(await client.reaches(accepted.body.task_id, 'SUCCESS')).toMatchObject({
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
      const own = await client.statusOf(accepted.body.task_id);
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
      const open = (path: string) => client.lab.call(client.lab.url('filings')[mount], path, { key: null });
      expect(await open('/health')).toMatchObject({
        status: 200,
        body: { status: 'healthy', version: expect.any(String) },
      });
      expect(await open('/ready')).toMatchObject({ status: 200, body: { redis: true, chromadb: true } });
      expect(await open('/live')).toMatchObject({ status: 200 });
    });

    test('what is wrong, missing or not allowed is said in this system’s words', async () => {
      const base = client.lab.url('filings')[mount];
      const detail = { detail: expect.any(String) };
      expect(await client.lab.call(base, '/analyze', { key: null, body: filing('ACME') })).toMatchObject({
        status: 401,
        body: detail,
      });
      expect(await client.call(`/tasks/${UNKNOWN}`, undefined, { base, key: 'nonsense' })).toMatchObject({
        status: 401,
        body: detail,
      });
      for (const path of [`/tasks/${UNKNOWN}`, '/tasks/no-id', `/analyze/batch/${UNKNOWN}`, '/nowhere'])
        expect(await at(path)).toMatchObject({ status: 404, body: detail });
      expect(await at('/analyze', '{"ticker": ')).toMatchObject({ status: 400, body: detail });
      expect(
        await at('/analyze', { ticker: 'ACME', filing_year: 2020, html_path: 'none.html' }),
      ).toMatchObject({ status: 404, body: { detail: 'no filing at "none.html"' } });
    });
  });
}
