import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { until } from '../../../lab.ts';
import { answerWell } from '../model-service.ts';
import {
  UNKNOWN,
  filing,
  html_content,
  unreadable,
  type Client,
  type Invalid,
  type Submitted,
} from './client.ts';

/** What is refused, and how that is said. */
export function testRefusals(client: Client): void {
  describe('html_path', () => {
    const analyze = (html_path: string) =>
      client.call('/analyze?async_mode=false', { ticker: 'ACME', filing_year: 2022, html_path });

    test('reads below FILINGS_DIR, and nothing outside it by path or by link', async () => {
      await writeFile(join(client.folder, 'filings/a.html'), html_content);
      await writeFile(join(client.folder, 'secret.html'), html_content);
      await symlink(join(client.folder, 'secret.html'), join(client.folder, 'filings/link.html'));
      expect((await analyze('a.html')).status).toBe(200);
      for (const outside of [
        '../secret.html',
        'link.html',
        join(client.folder, 'secret.html'),
        'x\\..\\y',
        '.',
      ])
        expect(await analyze(outside)).toMatchObject({
          status: 404,
          body: { detail: expect.stringContaining('no filing') },
        });
      const filings = [filing('ACME'), { ticker: 'ACME', filing_year: 2022, html_path: '../secret.html' }];
      expect((await client.call('/analyze/batch', { filings })).status).toBe(404);
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
      const analysis = await client.call<Invalid>('/analyze', sent);
      expect(analysis).toMatchObject({ status: 422, body: { detail: expect.arrayContaining([invalid]) } });
      expect(analysis.body.detail.map(({ loc }) => loc)).toContainEqual(['body', field]);
      const batch = await client.call<Invalid>('/analyze/batch', { filings: [sent] });
      expect(batch.status).toBe(422);
      expect(batch.body.detail.map(({ loc }) => loc)).toContainEqual(['body', 'filings', 0, field]);
    });

    test('for a batch of none or of more than a hundred, and for top_k of an index', async () => {
      const many = (count: number) => ({ filings: Array.from({ length: count }, () => unreadable) });
      for (const sent of [many(0), many(101), {}])
        expect(await client.call('/analyze/batch', sent)).toMatchObject({
          status: 422,
          body: { detail: [invalid] },
        });
      const hundred = await client.call<Submitted>('/analyze/batch', many(100));
      expect(hundred.status).toBe(202);
      const all = await until(
        () => client.call<{ status: string; counts: object }>(`/analyze/batch/${hundred.body.task_id}`),
        ({ body: shown }) => shown.status === 'FAILURE',
      );
      expect(all.body.counts).toMatchObject({ FAILURE: 100 });
      expect((await client.call('/index', { ...filing('ACME'), retrieve_top_k: 3 })).status).toBe(422);
    });
  });

  test('the eleventh call in a minute of a key that may make ten is 429', async () => {
    const made = await client.native<{ key: string }>('/v1/keys', {
      name: 'ten-a-minute',
      scopes: ['enqueue', 'read'],
      rate: { limit: 10, periodMs: 60_000 },
    });
    expect(made.status).toBe(201);
    const calls = await Promise.all(
      Array.from({ length: 11 }, () => client.call(`/tasks/${UNKNOWN}`, undefined, { key: made.body.key })),
    );
    expect(calls.filter(({ status }) => status === 404)).toHaveLength(10);
    expect(calls.find(({ status }) => status === 429)?.body).toEqual({
      error: expect.stringMatching(/^Rate limit exceeded/),
    });
  });

  test('without Postgres it is 503 and nothing is stored; it recovers by itself', async () => {
    const count = async () =>
      Number((await client.lab.lab.sql('SELECT count(*) FROM lovage.task'))[0]?.['count']);
    const before = await count();
    await client.lab.stopPostgres();
    for (const [path, sent] of [
      ['/analyze', filing('GONE')],
      ['/index', filing('GONE')],
      ['/analyze/batch', { filings: [filing('GONE')] }],
    ] as const)
      expect(await client.call(path, sent)).toMatchObject({
        status: 503,
        body: { detail: expect.stringContaining('service unavailable') },
      });
    expect(await client.call('/ready')).toMatchObject({
      status: 503,
      body: { redis: false, chromadb: false },
    });
    expect(await client.call('/health')).toMatchObject({ status: 200 });
    expect(await count()).toBe(before);
    await client.lab.startPostgres();
    await until(
      () => client.call('/ready'),
      ({ status }) => status === 200,
    );
    client.service.answer = answerWell;
    const { body: accepted } = await client.call<Submitted>('/analyze', filing('BACK'));
    await client.reaches(accepted.task_id, 'SUCCESS');
    expect(await client.lab.lab.violations()).toEqual([]);
  });
}
