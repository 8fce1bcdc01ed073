import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { environment } from '../../../packs/retros/environment.ts';
import { openSource } from '../../../packs/retros/sources/open-source.ts';
import { callService } from '../../../packs/services/call-service.ts';
import { isTransient } from '../../../src/index.ts';
import { makeRecord } from './make-sprint.ts';
import { json, openService, type Service } from './open-service.ts';

let service: Service;
let folder: string;
beforeAll(async () => {
  service = await openService();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lovage-retros-'));
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
});

const fetchFrom = (variables: Record<string, string>, teamId: string | null = null) =>
  openSource(environment.parse(variables)).fetchSprints({
    count: 5,
    teamId,
    signal: new AbortController().signal,
  });
const fromApi = (teamId?: string) =>
  fetchFrom(
    { EXTERNAL_METRICS_API_URL: `${service.url}/v2/`, EXTERNAL_METRICS_API_KEY: 'the-metrics-key' },
    teamId,
  );
const fault = async (fetching: Promise<unknown>): Promise<Error & { code?: string; delayMs?: number }> => {
  const error: unknown = await fetching.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  return error as Error;
};

test('the service is asked for so many sprints of a team, with its key as Bearer', async () => {
  service.answer((response) =>
    json(response, 200, [makeRecord(1, { review_time: 12, team_happiness: null, velocity_of_light: 3 })]),
  );
  const [sprint] = await fromApi('blue team');
  expect(sprint).toEqual({
    id: 's-1',
    name: 'Sprint 1',
    startDate: '2026-01-05',
    endDate: '2026-01-16',
    data: { review_time: 12, source: 'api' },
  });
  expect(service.received.at(-1)).toMatchObject({
    method: 'GET',
    path: '/v2/sprints?count=5&team_id=blue+team',
    headers: { authorization: 'Bearer the-metrics-key' },
  });
});

test('sprints may come in an object, with times instead of days', async () => {
  service.answer((response) =>
    json(response, 200, { sprints: [makeRecord(1, { start_date: '2026-01-05T09:00:00' })] }),
  );
  expect(await fromApi()).toMatchObject([{ startDate: '2026-01-05' }]);
});

test('a service that says when to come back is taken at its word', async () => {
  service.answer((response) => json(response, 429, { error: 'slow down' }, { 'retry-after': '7' }));
  expect(await fault(fromApi())).toMatchObject({ code: 'MetricsApiError', delayMs: 7_000 });
});

test('429 without a time, 500 and a connection that breaks may pass; 401 and HTML do not', async () => {
  const told: [string, boolean][] = [];
  const replies: Parameters<Service['answer']>[0][] = [
    (response) => json(response, 429, {}),
    (response) => json(response, 500, {}),
    (response) => void response.destroy(),
    (response) => json(response, 401, { error: 'no' }),
    (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"sprints": ['),
  ];
  for (const reply of replies) {
    service.answer(reply);
    const error = await fault(fromApi());
    told.push([error.code ?? '', isTransient(error)]);
    expect(error.message).not.toContain('the-metrics-key');
  }
  expect(told).toEqual([
    ['MetricsApiError', true],
    ['MetricsApiError', true],
    ['MetricsApiError', true],
    ['MetricsApiError', false],
    ['MetricsApiError', false],
    ['MetricsApiError', false],
  ]);
});

test('a redirect is not followed, and told as what it is', async () => {
  service.answer((response) => void response.writeHead(302, { location: '/elsewhere' }).end());
  const before = service.received.length;
  const error = await fault(fromApi());
  expect([error.message, isTransient(error)]).toEqual(['the metrics service: answered 302', false]);
  expect(service.received.length - before).toBe(1);
});

test('a service that does not answer in time may do so later', async () => {
  service.answer(() => {});
  const error = await fault(
    callService({
      service: 'the metrics service',
      url: service.url,
      signal: new AbortController().signal,
      timeoutMs: 20,
      code: 'MetricsApiError',
    }),
  );
  expect([error.message, isTransient(error)]).toEqual([
    'the metrics service: did not answer within 20 ms',
    true,
  ]);
});

test.each([
  ['a happiness above 10', [makeRecord(1, { team_happiness: 11 })], 'record 1, team_happiness'],
  ['a negative number', [makeRecord(1), makeRecord(2, { review_time: -1 })], 'record 2, review_time'],
  ['an end before its start', [makeRecord(1, { end_date: '2025-01-01' })], 'record 1, end_date'],
  ['text for a number', [makeRecord(1, { coding_time: '12' })], 'record 1, coding_time'],
  ['NUL in its name', [makeRecord(1, { sprint_name: 'a\0' })], 'record 1, sprint_name'],
  ['half a surrogate pair', [makeRecord(1, { team_id: '\ud800' })], 'record 1, team_id'],
  ['the year 0', [makeRecord(1, { start_date: '0000-12-31' })], 'record 1, start_date'],
  ['no id', [{ ...makeRecord(1), sprint_id: '' }], 'record 1, sprint_id'],
  ['one sprint twice', [makeRecord(1), makeRecord(1)], 'sprint "s-1" comes twice'],
  ['no list', { data: 1 }, 'must be a list of sprints'],
])('a record with %s is refused by its place, and all with it', async (_what, sent, told) => {
  service.answer((response) => json(response, 200, sent));
  const error = await fault(fromApi());
  expect(error).toMatchObject({ name: 'Discard', code: 'InvalidSprintRecord' });
  expect(error.message).toContain(told);
});

test('a folder holds JSON and CSV; an empty cell was not measured, other files are left alone', async () => {
  await writeFile(join(folder, 'a.json'), JSON.stringify([makeRecord(1, { team_id: 'blue' })]));
  await writeFile(
    join(folder, 'b.csv'),
    '\uFEFFsprint_id,sprint_name,start_date,end_date,team_happiness,review_time,story_point_distribution.large\n' +
      's-2,"Sprint 2, the long one",2026-01-19,2026-01-30,7.5,,4\n',
  );
  await writeFile(join(folder, 'readme.txt'), 'not a sprint');
  const sprints = await fetchFrom({ METRICS_DIR: folder });
  expect(sprints.map(({ id, name, data }) => [id, name, data])).toEqual([
    ['s-1', 'Sprint 1', { team_id: 'blue', source: 'folder' }],
    [
      's-2',
      'Sprint 2, the long one',
      {
        team_happiness: 7.5,
        story_point_distribution: { small: 0, medium: 0, large: 4 },
        source: 'folder',
      },
    ],
  ]);
  expect(await fetchFrom({ METRICS_DIR: folder }, 'red')).toMatchObject([{ id: 's-2' }]);
  await rm(folder, { recursive: true });
});

test.each([
  ['bad.json', '{', 'bad.json is no JSON'],
  ['bad.csv', 'sprint_id,sprint_name\ns-1', 'bad.csv is no CSV'],
  [
    'word.csv',
    'sprint_id,sprint_name,start_date,end_date,review_time\ns-1,S,2026-01-01,2026-01-02,long',
    'review_time',
  ],
])('a faulty file %s is named', async (name, text, told) => {
  await writeFile(join(folder, name), text);
  const error = await fault(fetchFrom({ METRICS_DIR: folder }));
  expect(error).toMatchObject({ name: 'Discard', code: 'InvalidSprintRecord' });
  expect(error.message).toContain(told);
  expect(error.message).not.toContain(folder);
});

test('a folder that is not there is told without its path', async () => {
  const error = await fault(fetchFrom({ METRICS_DIR: '/nowhere/at/all' }));
  expect(error.message).toBe('METRICS_DIR cannot be read');
});

test('without service and folder the sprints are the demo’s, and say so', async () => {
  const sprints = await fetchFrom({ METRICS_DIR: '' });
  expect(sprints).toHaveLength(20);
  expect(new Set(sprints.map(({ data }) => data.source))).toEqual(new Set(['demo']));
});

test('a fault of the environment is told by its variable', () => {
  const wrong = environment.safeParse({ EXTERNAL_METRICS_API_URL: 'nonsense', LLM_PROVIDER: 'azure' });
  expect(wrong.error?.issues.map(({ path, message }) => `${path.join()}: ${message}`)).toContain(
    'EXTERNAL_METRICS_API_URL: must be an http or https URL',
  );
  const azure = environment.safeParse({ LLM_PROVIDER: 'azure' });
  expect(azure.error?.issues.map(({ path }) => path.join())).toEqual([
    'CHAT_COMPLETION_API_KEY',
    'AZURE_ENDPOINT',
    'AZURE_DEPLOYMENT',
  ]);
});
