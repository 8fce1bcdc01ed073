import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isTransient } from 'lovage';
import { environment } from '../../../packs/filings/environment.ts';
import { createEmbedder } from '../../../packs/filings/services/embedder.ts';
import { chooseChat, createLabeller } from '../../../packs/filings/services/labeller.ts';
import { answerWell, complete, labelAs, ModelService, passagesOf } from './model-service.ts';

let service: ModelService;
const { signal } = new AbortController();
const KEY = 'the-key-of-the-service';

beforeAll(async () => void (service = await ModelService.open()));
beforeEach(() => service.reset());
afterAll(() => service[Symbol.asyncDispose]());

const open = () => {
  const settings = environment.parse({
    EMBEDDINGS_URL: `${service.url}/`,
    EMBEDDINGS_API_KEY: KEY,
    EMBEDDINGS_MODEL: 'small',
    CLASSIFIER_URL: service.url,
    CLASSIFIER_API_KEY: KEY,
    CLASSIFIER_MODEL: 'chatty',
  });
  const embedder = createEmbedder(settings);
  const labeller = createLabeller(settings);
  if (!embedder || !labeller) throw new Error('not configured');
  return { embedder, labeller };
};
const failed = (call: Promise<unknown>) =>
  call.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );
const texts = (count: number) => Array.from({ length: count }, (_, index) => `passage ${index} of a filing`);
const passages = (count: number) =>
  texts(count).map((text, index) => ({ id: `ACME_2020_${index}`, text, factor: null }));

describe('embeddings', () => {
  test('come in batches of 64 as vectors of length 1, in the order of the texts', async () => {
    service.answer = (asked) => {
      const { data } = answerWell(asked).body as { data: unknown[] };
      return { body: { data: data.toReversed() } };
    };
    const vectors = await open().embedder.embed(texts(130), signal);
    expect(service.asked.map(({ body }) => body.input?.length)).toEqual([64, 64, 2]);
    expect(service.asked[0]).toMatchObject({
      path: '/v1/embeddings',
      authorization: `Bearer ${KEY}`,
      body: { model: 'small' },
    });
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1);
    service.reset();
    const again = await open().embedder.embed(texts(1), signal);
    expect(again[0]).toEqual(vectors[0]);
  });

  const vector = [1, 0];
  test.each([
    ['too few', { data: [{ index: 0, embedding: vector }] }, '1 vectors for 2 texts'],
    ['one twice', { data: [0, 0].map((index) => ({ index, embedding: vector })) }, '2 vectors for 2 texts'],
    ['too many', { data: [0, 1, 2].map((index) => ({ index, embedding: vector })) }, '3 vectors for 2 texts'],
    ['words', { data: [{ index: 0, embedding: ['a'] }] }, 'no list of vectors'],
    ['nothing known', { vectors: [] }, 'no list of vectors'],
    [
      'no direction',
      { data: [0, 1].map((index) => ({ index, embedding: [0, 0] })) },
      'a vector without a direction',
    ],
    [
      'two dimensions',
      { data: [vector, [1, 0, 0]].map((embedding, index) => ({ index, embedding })) },
      'vectors of 2 and 3 dimensions',
    ],
  ])('an answer with %s is an error that no retry mends', async (_what, body, message) => {
    service.answer = () => ({ body });
    const error = await failed(open().embedder.embed(texts(2), signal));
    expect(error).toMatchObject({ code: 'EmbeddingsError', message: expect.stringContaining(message) });
    expect(isTransient(error)).toBe(false);
  });

  test.each([
    ['500', { status: 500, body: { error: 'busy' } }, true],
    ['429', { status: 429, body: {} }, true],
    ['a wrong key', { status: 401, body: {} }, false],
    ['HTML', { type: 'text/html', body: '<html>sign in</html>' }, false],
    ['broken JSON', { body: '{"data": [' }, false],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:9/' }, body: {} }, false],
  ])(
    '%s is an error without the key in it, tried again where that can help',
    async (_what, reply, passes) => {
      service.answer = () => reply;
      const error = await failed(open().embedder.embed(texts(1), signal));
      expect(error).toMatchObject({ name: 'ServiceError', code: 'EmbeddingsError' });
      expect(String(error)).not.toContain(KEY);
      expect(isTransient(error)).toBe(passes);
    },
  );

  test('a service that is not there may come back; a call that is cancelled ends at once', async () => {
    const closed = await ModelService.open();
    await closed[Symbol.asyncDispose]();
    const gone = createEmbedder(environment.parse({ EMBEDDINGS_URL: closed.url }));
    expect(isTransient(await failed(gone?.embed(texts(1), signal) ?? Promise.resolve()))).toBe(true);
    const stop = new AbortController();
    service.answer = () => {
      stop.abort(new Error('cancelled'));
      return { isSilent: true };
    };
    expect(await failed(open().embedder.embed(texts(1), stop.signal))).toMatchObject({
      message: 'cancelled',
    });
  });
});

describe('labels', () => {
  test('are asked for twenty at a time, and found in a code fence too', async () => {
    service.answer = ({ body }) => {
      const labels = passagesOf(body).map(({ id }) => labelAs(id, 'technological'));
      return { body: complete(`\`\`\`json\n${JSON.stringify({ labels })}\n\`\`\``) };
    };
    const labels = await open().labeller.label(passages(45), signal);
    expect(service.asked.map(({ body }) => passagesOf(body).length)).toEqual([20, 20, 5]);
    expect(service.asked[0]).toMatchObject({ path: '/v1/chat/completions', body: { model: 'chatty' } });
    expect(labels.size).toBe(45);
    expect(labels.get('ACME_2020_44')).toEqual({
      category: 'technological',
      category_confidence: 0.9,
      classification_method: 'llm',
    });
  });

  test('of no known kind, without confidence or of passages not asked about are not believed', async () => {
    const labels = [
      labelAs('ACME_2020_0', 'catastrophic'),
      { ...labelAs('ACME_2020_1'), confidence: 7 },
      labelAs('OTHER_2020_1'),
      labelAs('ACME_2020_2'),
    ];
    service.answer = () => ({ body: complete({ labels }) });
    const found = await open().labeller.label(passages(3), signal);
    expect([...found.keys()]).toEqual(['ACME_2020_2']);
  });

  test.each([['I cannot help with that.'], ['{"labels": 3}'], ['}{']])(
    'are none where the model says %s',
    async (content) => {
      service.answer = () => ({ body: complete(content) });
      expect((await open().labeller.label(passages(2), signal)).size).toBe(0);
    },
  );

  test.each([
    ['500', { status: 500, body: {} }, true],
    ['no completion', { body: { choices: [] } }, false],
    ['HTML', { type: 'text/html', body: '<html>' }, false],
  ])('%s is an error, tried again where that can help', async (_what, reply, passes) => {
    service.answer = () => reply;
    const error = await failed(open().labeller.label(passages(1), signal));
    expect(error).toMatchObject({ code: 'ClassifierError' });
    expect(isTransient(error)).toBe(passes);
  });
});

describe('the environment', () => {
  test('configures no service by itself, nor with empty variables', () => {
    const empty = environment.parse({ EMBEDDINGS_URL: '', GOOGLE_API_KEY: '', FILINGS_DEFAULT_SYNC: '' });
    expect([createEmbedder(empty), createLabeller(empty)]).toEqual([null, null]);
  });

  test('sends Google’s key to Gemini and nowhere else', () => {
    expect(chooseChat(environment.parse({ GOOGLE_API_KEY: 'g' }))).toEqual({
      base: 'https://generativelanguage.googleapis.com/v1beta/openai/',
      key: 'g',
      model: 'gemini-2.5-flash',
    });
    const own = { CLASSIFIER_URL: service.url, CLASSIFIER_MODEL: 'm', GOOGLE_API_KEY: 'g' };
    expect(chooseChat(environment.parse(own))).toEqual({ base: service.url, key: undefined, model: 'm' });
  });

  test.each([
    [{ EMBEDDINGS_URL: 'ftp://x' }, 'EMBEDDINGS_URL'],
    [{ CLASSIFIER_URL: 'http://x' }, 'CLASSIFIER_MODEL'],
    [{ FILINGS_DEFAULT_SYNC: 'perhaps' }, 'FILINGS_DEFAULT_SYNC'],
  ])('with %o is a fault of %s', (variables, name) => {
    expect(environment.safeParse(variables).error?.issues[0]?.path).toEqual([name]);
  });
});
