import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { analyze } from '../../../packs/filings/tasks/analyze.ts';
import { indexFiling } from '../../../packs/filings/tasks/index-filing.ts';
import { acme, longer, openFilings } from './open-filings.ts';
import { answerWell, complete, labelAs, ModelService, passagesOf } from './model-service.ts';

const { lovage, rows } = openFilings();
let service: ModelService;
beforeEach(async () => {
  service = await ModelService.open();
  vi.stubEnv('EMBEDDINGS_URL', service.url);
  vi.stubEnv('EMBEDDINGS_MODEL', 'small');
  vi.stubEnv('CLASSIFIER_URL', service.url);
  vi.stubEnv('CLASSIFIER_MODEL', 'chatty');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await service[Symbol.asyncDispose]();
});

const stored = () =>
  rows(sql`SELECT id, classification_method AS method, category, embedding_model AS model, cardinality(embedding) AS dimensions
           FROM pack_filings.chunk ORDER BY id`);

test('vectors and labels are theirs, and a label is taken over from a passage as good as the same', async () => {
  await lovage().run(indexFiling, acme(2020));
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
  const { result } = await lovage().run(analyze, acme(2021, longer));
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
  await lovage().run(indexFiling, acme(2020));
  vi.stubEnv('EMBEDDINGS_URL', service.url);
  service.reset();
  const { result } = await lovage().run(analyze, acme(2021));
  expect(service.asked.flatMap(({ body }) => body.input ?? [])).toHaveLength(6);
  expect(result?.risks.map(({ novelty }) => novelty.value)).toEqual([0, 0, 0]);
});

test('where the model talks nonsense the keywords’ labels stay, and the history says so', async () => {
  service.answer = (asked) =>
    asked.path === '/v1/embeddings'
      ? answerWell(asked)
      : { body: complete({ labels: [labelAs('ACME_2020_0'), labelAs('ACME_2020_1', 'nonsense')] }) };
  const { id } = await lovage().run(indexFiling, acme(2020));
  expect((await stored()).map(({ method }) => method)).toEqual(['llm', 'keyword', 'keyword']);
  const lines = (await lovage().events(id)).filter(({ type }) => type === 'log');
  expect(lines.map(({ data }) => data['message'])).toEqual([expect.stringContaining('1 of 3 passages')]);
});

test('a service that is down is asked again after 60, 120 and 240 s, four times in all', async () => {
  service.answer = () => ({ status: 503, body: { error: 'overloaded' } });
  const { id } = await lovage().enqueue(analyze, acme(2020));
  for (const [index, seconds] of [60, 120, 240].entries()) {
    await lovage().idle();
    const task = await lovage().get(id);
    const last = (await lovage().events(id)).findLast(({ type }) => type === 'retrying');
    expect(task).toMatchObject({ state: 'retrying', attempt: index + 1 });
    const waitMs = Date.parse(task.dueAt) - Date.parse(last?.at ?? '');
    expect(waitMs / 1000).toBeCloseTo(seconds, 1);
    await lovage().advance((seconds - 2) * 1000);
    await lovage().idle();
    expect(await lovage().get(id)).toMatchObject({ state: 'retrying', attempt: index + 1 });
    await lovage().advance(2000);
  }
  await lovage().idle();
  expect(await lovage().get(id)).toMatchObject({
    state: 'failed',
    attempt: 4,
    error: { code: 'EmbeddingsError', message: expect.stringContaining('answered 503') },
  });
  expect(await rows(sql`SELECT 1 FROM pack_filings.filing`)).toEqual([]);
});

test('one that comes back is asked once more and no oftener; one that lies is not asked again', async () => {
  let isDown = true;
  service.answer = (asked) => (isDown ? { status: 500, body: {} } : answerWell(asked));
  const { id } = await lovage().enqueue(analyze, acme(2020));
  await lovage().idle();
  isDown = false;
  await lovage().advance(60_000);
  await lovage().idle();
  expect(await lovage().get(id)).toMatchObject({ state: 'succeeded', attempt: 2 });

  service.answer = () => ({ type: 'text/html', body: '<html>sign in</html>' });
  expect(await lovage().run(analyze, acme(2021))).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { code: 'EmbeddingsError', message: expect.stringContaining('text/html instead of JSON') },
  });
});

test('an analysis that is cancelled while it waits for the service leaves nothing', async () => {
  service.answer = () => ({ isSilent: true });
  const { id } = await lovage().enqueue(analyze, acme(2020));
  await vi.waitFor(() => expect(service.asked).toHaveLength(1), { timeout: 5_000, interval: 10 });
  await lovage().cancel(id);
  await lovage().idle();
  expect(await lovage().get(id)).toMatchObject({ state: 'cancelled' });
  expect(await rows(sql`SELECT 1 FROM pack_filings.filing`)).toEqual([]);
});

test('while one filing of a company is worked on its next one waits, and no other company’s', async () => {
  service.answer = (asked) => (service.asked.length === 1 ? { isSilent: true } : answerWell(asked));
  const first = await lovage().enqueue(analyze, acme(2020));
  await vi.waitFor(() => expect(service.asked).toHaveLength(1), { timeout: 5_000, interval: 10 });
  const second = await lovage().enqueue(indexFiling, acme(2021));
  expect(await lovage().run(analyze, { ...acme(2021), ticker: 'PUMP' })).toMatchObject({
    state: 'succeeded',
  });
  expect(await lovage().get(second.id)).toMatchObject({ state: 'queued' });
  await lovage().cancel(first.id);
  await lovage().idle();
  expect(await lovage().get(second.id)).toMatchObject({ state: 'succeeded' });
});
