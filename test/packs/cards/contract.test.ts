import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from '../../lab.ts';
import { openPackLab, type PackCall, type PackLab } from '../pack-lab.ts';
import { openFakeGoogle, type FakeGoogle } from './fake-google.ts';
import { inspectApkg } from './inspect-apkg.ts';
import { noteAbout, noteInput } from './note-input.ts';

let google: FakeGoogle;
let lab: PackLab;
let prefix: string;
let own: string;

beforeAll(async () => {
  google = await openFakeGoogle();
  lab = await openPackLab({ env: google.env });
  ({ prefix, own } = lab.url('cards'));
});
afterEach(() => google.interfere(undefined));
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await google[Symbol.asyncDispose]();
});

interface Accepted {
  taskId: string;
  status: string;
  statusUrl: string;
  createdAt: string;
}
interface Status {
  status: string;
  completedAt: string | null;
  result: { cardId: number; noteId: number } | null;
  error: { type: string; message: string } | null;
}

const post = (body: unknown, query = '', base = own, more: PackCall = {}) =>
  lab.call<Accepted & { message: unknown }>(base, `/api/v1/clozeNotes${query}`, { body, ...more });
const look = (id: string, more: PackCall = {}) => lab.call<Status>(own, `/api/v1/tasks/${id}`, more);
const whenIt = (id: string, status: string) =>
  until(
    () => look(id),
    ({ body }) => body.status === status,
  );

/** Google keeps silent until the test lets it speak. */
function holdGoogle(): { release: () => void } {
  const held = Promise.withResolvers<undefined>();
  google.interfere(() => held.promise);
  return { release: () => held.resolve(undefined) };
}

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

test('a note is posted, polled, and in the deck that Anki imports, under the prefix and at a port of its own', async () => {
  for (const base of [prefix, own]) {
    const word = base === own ? 'port' : 'prefix';
    const accepted = await post(noteAbout(word), '', base);
    const { taskId, createdAt } = accepted.body;
    const mount = base === own ? '' : '/cards';
    expect(accepted.status).toBe(202);
    expect(accepted.body).toEqual({
      taskId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      status: 'pending',
      statusUrl: `${mount}/api/v1/tasks/${taskId}`,
      createdAt: TIME,
    });
    const done = await whenIt(taskId, 'success');
    expect(done.body).toEqual({
      taskId,
      status: 'success',
      createdAt,
      completedAt: TIME,
      progress: { current: 1, total: 1 },
      result: { success: true, cardId: expect.any(Number), noteId: expect.any(Number) },
      error: null,
    });
    const deck = await lab.call(base, '/api/v1/decks/English%20Vocabulary.apkg');
    expect(deck.headers.get('content-type')).toBe('application/octet-stream');
    expect(deck.headers.get('content-disposition')).toBe('attachment; filename="English Vocabulary.apkg"');
    const { notes, cards, media } = await inspectApkg(deck.bytes);
    const note = notes.find(({ fields }) => fields[1] === word);
    expect(note?.id).toBe(done.body.result?.noteId);
    expect(cards.find(({ nid }) => nid === note?.id)?.id).toBe(done.body.result?.cardId);
    for (const field of note?.fields.slice(8) ?? [])
      expect(media.has(/^\[sound:(.*)\]$/.exec(field)?.[1] ?? '')).toBe(true);
  }
  const deck = () => lab.call(own, '/api/v1/decks/English%20Vocabulary.apkg');
  const [one, two] = [await deck(), await deck()];
  expect(one.bytes.equals(two.bytes)).toBe(true);
  expect((await inspectApkg(one.bytes)).cards).toHaveLength(2);
});

test('async=false answers as the synchronous server did, and is a task all the same', async () => {
  const done = await post(noteAbout('at once'), '?async=false');
  expect({ status: done.status, body: done.body }).toEqual({ status: 200, body: { status: 'ok' } });
  google.interfere(() => ({ status: 403, body: '{"error":"key"}' }));
  const failed = await post(noteAbout('not at once'), '?async=False');
  expect({ status: failed.status, body: failed.body }).toEqual({
    status: 500,
    body: { message: expect.stringContaining('Google Text-to-Speech: answered 403') },
  });
  const tasks = await lab.lab.sql(
    "SELECT state FROM lovage.task WHERE input ->> 'word' LIKE '%at once' ORDER BY id",
  );
  expect(tasks.map(({ state }) => state)).toEqual(['succeeded', 'failed']);
});

test('one note at a time: the first is started, the next pending, with all keys and null where unset', async () => {
  const google = holdGoogle();
  const { body: one } = await post(noteAbout('first'));
  await whenIt(one.taskId, 'started');
  const { body: two } = await post(noteAbout('second'));
  const unset = { completedAt: null, progress: { current: 0, total: 1 }, result: null, error: null };
  expect((await look(one.taskId)).body).toEqual({
    taskId: one.taskId,
    status: 'started',
    createdAt: one.createdAt,
    ...unset,
  });
  expect((await look(two.taskId)).body).toEqual({
    taskId: two.taskId,
    status: 'pending',
    createdAt: two.createdAt,
    ...unset,
  });
  const native = await lab.call<{ progress: unknown }>(own, `/v1/tasks/${one.taskId}`);
  expect(native.status).toBe(404);
  google.release();
  for (const { taskId } of [one, two]) await whenIt(taskId, 'success');
});

test('a failure that nothing can mend is failure with its type, at once', async () => {
  google.interfere(() => ({ type: 'text/html', body: '<h1>Hello</h1>' }));
  const { body } = await post(noteAbout('page'));
  const { body: failed } = await whenIt(body.taskId, 'failure');
  expect(failed).toMatchObject({ completedAt: TIME, progress: { current: 0, total: 1 }, result: null });
  expect(failed.error).toEqual({ type: 'TtsError', message: expect.stringContaining('text/html') });
  expect(await lab.lab.get(body.taskId)).toMatchObject({ attempt: 1 });
});

test('a service that is away is tried again after a minute, pending meanwhile; cancelled it is failure', async () => {
  google.interfere(() => ({ status: 503, body: '{}' }));
  const { body } = await post(noteAbout('away'));
  const waiting = await until(
    () => lab.lab.get(body.taskId),
    ({ state }) => state === 'retrying',
  );
  expect(waiting).toMatchObject({ error: { code: 'TtsError' }, maxAttempts: 4, attempt: 1 });
  const waitMs = Date.parse(waiting.dueAt) - Date.now();
  expect(waitMs).toBeGreaterThan(50_000);
  expect(waitMs).toBeLessThanOrEqual(60_000);
  expect((await look(body.taskId)).body).toMatchObject({ status: 'pending', error: null, completedAt: null });
  const api = prefix.replace(/\/cards$/, '');
  await lab.call(api, `/v1/tasks/${body.taskId}/cancel`, { body: { reason: 'enough' } });
  const cancelled = { status: 'failure', error: { type: 'Cancelled', message: 'enough' }, result: null };
  expect((await look(body.taskId)).body).toMatchObject(cancelled);
});

test.each([
  ['an empty cloze', { englishExample: 'A {{c1::}}' }, { englishExample: ['cloze 1 is empty'] }],
  ['an example without the word', { englishExample: 'A b' }, { englishExample: [expect.any(String)] }],
  ['an unknown field', { definition: 'old' }, { definition: ['is not known here'] }],
  ['a field of an odd name', { constructor: 1 }, { constructor: ['is not known here'] }],
  ['a missing field', { code: undefined }, { code: [expect.any(String)] }],
  [
    'two faults of two fields',
    { word: 7, cefrLevel: null },
    { word: [expect.any(String)], cefrLevel: [expect.any(String)] },
  ],
])('%s is 400 with what is wrong, by field, and no task', async (_what, change, message) => {
  const count = () => lab.lab.sql("SELECT count(*) FROM lovage.task WHERE name = 'cards.addClozeNote'");
  const before = await count();
  for (const query of ['', '?async=false'])
    expect(await post({ ...noteInput(), ...change }, query)).toMatchObject({
      status: 400,
      body: { message },
    });
  expect(await count()).toEqual(before);
});

test('a body that is no JSON or no object, and a switch that is none, are 400 as well', async () => {
  expect(await post('{"word":')).toMatchObject({ status: 400, body: { message: expect.any(String) } });
  expect(await post([])).toMatchObject({ status: 400, body: { message: { body: [expect.any(String)] } } });
  expect(await post(noteInput(), '?async=perhaps')).toMatchObject({
    status: 400,
    body: { message: { async: ['must be true or false'] } },
  });
});

test('a key goes in x-access-token or as Bearer; without a good one every route is 401 with a message', async () => {
  const paths = ['/', '/api/v1/health', '/api/v1/tasks/x', '/api/v1/decks/English%20Vocabulary.apkg'];
  for (const path of paths) {
    for (const headers of [{}, { 'x-access-token': 'nonsense' }, { authorization: 'Bearer nonsense' }])
      expect(
        await lab.call(own, path, { key: null, headers: headers as Record<string, string> }),
      ).toMatchObject({
        status: 401,
        body: { message: expect.any(String) },
      });
  }
  expect(await post(noteInput(), '', own, { key: null })).toMatchObject({ status: 401 });
  for (const path of ['/', '/api/v1/health']) {
    for (const call of [{}, { key: null, headers: { 'x-access-token': lab.key } }])
      expect(await lab.call(own, path, call)).toMatchObject({ status: 200, body: { status: 'ok' } });
  }
});

test('an unknown, malformed or foreign id is 404 with a message, and so is a deck that is not there', async () => {
  const stranger = { key: await lab.keyFor(['enqueue', 'read'], 'stranger') };
  const { body } = await post(noteAbout('mine'));
  await whenIt(body.taskId, 'success');
  const gone = { status: 404, body: { message: expect.any(String) } };
  expect(await look('01980000-0000-7000-8000-000000000000')).toMatchObject(gone);
  expect(await look('42')).toMatchObject(gone);
  expect(await look(body.taskId, stranger)).toMatchObject(gone);
  expect(await lab.call(own, '/api/v1/decks/Other.apkg')).toMatchObject(gone);
  expect(await lab.call(own, '/api/v1/decks/English%20Vocabulary.apkg', stranger)).toMatchObject(gone);
});

test('the same note of another tenant is a note of its own', async () => {
  const key = await lab.keyFor(['enqueue', 'read'], 'neighbour');
  for (const more of [{}, { key }]) {
    const done = await post(noteAbout('shared'), '?async=false', own, more);
    expect(done.status).toBe(200);
  }
  const rows = await lab.lab.sql(
    "SELECT tenant, id FROM pack_cards.anki_notes WHERE fields ->> 'Word' = 'shared'",
  );
  expect(new Set(rows.map(({ tenant }) => tenant))).toEqual(new Set(['default', 'neighbour']));
  const deck = await lab.call(own, '/api/v1/decks/English%20Vocabulary.apkg', { key });
  const { notes, media } = await inspectApkg(deck.bytes);
  expect(notes.map(({ fields }) => fields[1])).toEqual(['shared']);
  expect(media.size).toBe(2);
});

test('every route is in the OpenAPI document, with its answers', async () => {
  const api = prefix.replace(/\/cards$/, '');
  const { body } = await lab.call<{ paths: Record<string, Record<string, { responses: object }>> }>(
    api,
    '/v1/openapi.json',
  );
  const routes = Object.entries(body.paths)
    .filter(([path]) => path.startsWith('/cards'))
    .map(([path, methods]) => `${Object.keys(methods).join()} ${path}`);
  expect(routes).toEqual(
    expect.arrayContaining([
      'get /cards/api/v1/health',
      'post /cards/api/v1/clozeNotes',
      'get /cards/api/v1/tasks/{id}',
      'get /cards/api/v1/decks/{name}.apkg',
    ]),
  );
  expect(Object.keys(body.paths['/cards/api/v1/clozeNotes']?.['post']?.responses ?? {})).toEqual(
    expect.arrayContaining(['200', '202', '400', '401', '500']),
  );
});

test('without Postgres a submit is 503 with a message, and nothing is kept of it', async () => {
  await lab.stopPostgres();
  const away = await post(noteAbout('unheard'));
  expect(away).toMatchObject({ status: 503, body: { message: expect.any(String) } });
  await lab.startPostgres();
  expect(await lab.lab.sql("SELECT FROM lovage.task WHERE input ->> 'word' = 'unheard'")).toEqual([]);
  const back = await until(
    () => post(noteAbout('heard'), '?async=false'),
    ({ status }) => status === 200,
  );
  expect(back.body).toEqual({ status: 'ok' });
  expect(await lab.lab.violations()).toEqual([]);
});
