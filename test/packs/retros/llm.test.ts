import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { environment } from '../../../packs/retros/environment.ts';
import { chooseModel } from '../../../packs/retros/llm/choose-model.ts';
import { writeText } from '../../../packs/retros/llm/write-text.ts';
import { assembleReport, findHypotheses } from '../../../packs/retros/report/assemble.ts';
import { readStatistics } from '../../../packs/retros/report/read-statistics.ts';
import { sprintsOf } from './make-sprint.ts';
import { json, openService, type Service } from './open-service.ts';

const KEY = 'sk-of-the-model';
let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
});

function assembled(customContext: string | null = null, source: 'api' | 'demo' = 'api') {
  const sprints = sprintsOf('review_time', 10, 10, 10, 10, 20).map((sprint) => ({
    ...sprint,
    data: { ...sprint.data, source },
  }));
  const statistics = readStatistics({ sprints, focus: [], customContext });
  return assembleReport(statistics, findHypotheses(statistics));
}

const write = (
  report = assembled(),
  variables: Record<string, string> = {},
  signal = new AbortController().signal,
) => {
  const told = { CHAT_COMPLETION_API_KEY: KEY, LLM_BASE_URL: `${service.url}/v1`, ...variables };
  return writeText(report, environment.parse(told), signal);
};

const says = (content: unknown) => (response: ServerResponse) =>
  json(response, 200, {
    id: 'c-1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
  });

const GOOD = JSON.stringify({
  headline: 'Reviews doubled to 20 h in Sprint 5',
  summary: 'Review time went from 10 h to 20 h. A hypothesis: reviews hold up finished work.',
});

test('the model writes headline and summary, asked with 500 tokens and a temperature of 0.7', async () => {
  service.answer(says(`\`\`\`json\n${GOOD}\n\`\`\``));
  const text = await write(assembled(), { LLM_MODEL: 'a-model' });
  expect(text).toMatchObject({
    headline: 'Reviews doubled to 20 h in Sprint 5',
    metadata: { text_by: 'llm', llm_provider: 'openai', llm_model: 'a-model', llm_error: null },
  });
  const sent = service.received.at(-1);
  expect(sent).toMatchObject({
    path: '/v1/chat/completions',
    headers: { authorization: `Bearer ${KEY}` },
  });
  expect(JSON.parse(sent?.body ?? '')).toMatchObject({
    model: 'a-model',
    max_tokens: 500,
    temperature: 0.7,
  });
  expect(sent?.body).toContain('Review time: 20 h in Sprint 5');
});

test('what must be said is said, also where the model leaves it out', async () => {
  service.answer(says(GOOD));
  const text = await write(assembled('We moved house.', 'demo'));
  expect(text.headline).toMatch(/^Demo data: Reviews doubled/);
  expect(text.summary).toContain('Context given by the team: We moved house.');
});

test.each([
  [
    'a number that is not in the data',
    says(GOOD.replace('20 h in', '31 h in')),
    'numbers that are not in the data',
  ],
  ['prose', says('Reviews are slow.'), 'JSON that was asked for'],
  ['NUL', says(GOOD.replace('Reviews', String.raw`Re\u0000views`)), 'JSON that was asked for'],
  ['nothing', says(null), 'JSON that was asked for'],
  ['500', (response: ServerResponse) => json(response, 500, { error: { message: KEY } }), 'answered 500'],
  [
    '401',
    (response: ServerResponse) => json(response, 401, { error: { message: `wrong key ${KEY}` } }),
    'answered 401',
  ],
  ['429', (response: ServerResponse) => json(response, 429, {}), 'answered 429'],
  [
    'no completion',
    (response: ServerResponse) => json(response, 200, { hello: 1 }),
    'could not be reached, or answered',
  ],
] as [string, Parameters<Service['answer']>[0], string][])(
  'a model that answers %s leaves the assembler’s text, and the metadata say why',
  async (_what, answer, why) => {
    service.answer(answer);
    const report = assembled();
    const before = service.received.length;
    const text = await write(report);
    expect(text).toMatchObject({
      headline: report.headline,
      summary: report.summary,
      metadata: { text_by: 'assembler' },
    });
    expect(text.metadata.llm_error).toContain(why);
    expect(JSON.stringify(text)).not.toContain(KEY);
    expect(service.received.length - before).toBe(1);
  },
);

test('a model that breaks the connection off leaves the assembler’s text too', async () => {
  service.answer((response) => void response.destroy());
  expect((await write()).metadata.llm_error).toContain('could not be reached');
});

test('a task that is told to stop stops, and does not fall back', async () => {
  const stop = new AbortController();
  service.answer(() => stop.abort(new Error('cancelled')));
  await expect(write(assembled(), {}, stop.signal)).rejects.toThrow('cancelled');
});

test('without a key and an address of its own no model is asked', async () => {
  const text = await writeText(assembled(), environment.parse({}), new AbortController().signal);
  expect(text.metadata).toEqual({
    text_by: 'assembler',
    llm_provider: null,
    llm_model: null,
    llm_error: null,
  });
});

test('Azure is asked at its deployment with its own header and version', async () => {
  service.answer(says(GOOD));
  const { metadata } = await write(assembled(), {
    LLM_PROVIDER: 'azure',
    LLM_BASE_URL: '',
    AZURE_ENDPOINT: service.url,
    AZURE_DEPLOYMENT: 'our-model',
    AZURE_API_VERSION: '2024-06-01',
  });
  expect(metadata).toMatchObject({ text_by: 'llm', llm_provider: 'azure', llm_model: 'our-model' });
  expect(service.received.at(-1)).toMatchObject({
    path: '/openai/deployments/our-model/chat/completions?api-version=2024-06-01',
    headers: { 'api-key': KEY },
  });
});

test('Anthropic is asked at its endpoint that speaks as OpenAI’s, unless another is given', async () => {
  const read = environment.parse({
    LLM_PROVIDER: 'anthropic',
    CHAT_COMPLETION_API_KEY: KEY,
    LLM_MODEL: 'a-model',
  });
  expect(chooseModel(read)).toMatchObject({ baseUrl: 'https://api.anthropic.com/v1/', name: 'a-model' });
  service.answer(says(GOOD));
  const { metadata } = await write(assembled(), { LLM_PROVIDER: 'anthropic', LLM_MODEL: 'a-model' });
  expect(metadata).toMatchObject({ text_by: 'llm', llm_provider: 'anthropic' });
});

test('what the team wrote reaches the model as material, and its numbers may be repeated', async () => {
  service.answer(says(GOOD.replace('Sprint 5', 'Sprint 5 after 17 holidays')));
  expect((await write(assembled('There were 17 holidays.'))).metadata.text_by).toBe('llm');
});
