import { randomUUID } from 'node:crypto';
import { defineConfig } from 'lovage';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import { addClozeNote } from '../../../packs/cards/add-cloze-note.ts';
import { cards } from '../../../packs/cards/index.ts';
import { openTestLovage, runTask, type TestLovage } from '../../../src/testing/index.ts';
import { fakeAnkiEnv, openFakeAnki, type Answer, type FakeAnki } from './fake-anki.ts';
import { noteAbout, noteInput } from './note-input.ts';
import { openFakeGoogle, type FakeGoogle } from './fake-google.ts';

let lovage: TestLovage;
let google: FakeGoogle;
let anki: FakeAnki;

beforeAll(async () => {
  lovage = await openTestLovage(defineConfig({ packs: [cards] }), { serverUrl: inject('serverUrl') });
  google = await openFakeGoogle();
});
beforeEach(async () => {
  anki = await openFakeAnki();
  setEnvironment({ ...fakeAnkiEnv(anki), ...google.env });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  google.interfere(undefined);
  await anki[Symbol.asyncDispose]();
});
afterAll(async () => {
  await google[Symbol.asyncDispose]();
  await lovage[Symbol.asyncDispose]();
});

const setEnvironment = (variables: Record<string, string>) =>
  Object.entries(variables).forEach(([name, value]) => vi.stubEnv(name, value));

type Options = Parameters<typeof runTask>[2];

const add = (input = noteInput(), options: Options = {}) =>
  runTask(addClozeNote, input, { db: lovage.db, ...options });

/** The error of a run, with whether another attempt is worth while. */
async function failure(input = noteInput(), options: Options = {}) {
  const error = await add(input, options).then(
    () => undefined,
    (thrown: unknown) => thrown as Error & { code: string },
  );
  const isFinal = error?.name === 'Discard' || addClozeNote.retryIf?.(error) === false;
  return { code: error?.code, message: error?.message, isRetried: error !== undefined && !isFinal };
}

const whole = [
  'sync',
  'createDeck',
  'modelNames',
  'createModel',
  'storeMediaFile',
  'storeMediaFile',
  'findNotes',
  'addNote',
  'notesInfo',
  'sync',
];

test('a note goes to Anki with deck, note type, sound and a sync before and after', async () => {
  const { output, progress } = await add(noteInput({ englishExample: 'A {{c2::ledger}} of {{c1::sales}}' }));
  expect(anki.calls).toEqual(whole);
  const [note] = anki.notes;
  expect(output).toEqual({ success: true, noteId: note?.noteId, cardId: note?.cards[0] });
  expect(output.cardId).not.toBe(output.noteId);
  expect(progress).toEqual([0, 1, 2, 3, 4, 5].map((current) => ({ current, total: 5 })));
  expect(anki.decks).toContain('English Vocabulary');
  expect(anki.models.get('Custom Cloze')).toHaveLength(10);
  const names = [note?.fields['DefinitionAudio'], note?.fields['TextAudio']].map((field) =>
    field?.replace(/^\[sound:(.*)\]$/, '$1'),
  );
  expect(new Set(anki.media.keys())).toEqual(new Set(names));
  expect(google.spoken.slice(-2)).toEqual(['ledger', 'A ledger of sales']);
});

test('a second task for the same note adds and speaks nothing, and says so where its details differ', async () => {
  const first = await add(noteAbout('twice'));
  const before = google.spoken.length;
  const again = await add(noteAbout('twice'));
  expect(again.output).toEqual(first.output);
  expect(google.spoken).toHaveLength(before);
  const other = await add({ ...noteAbout('twice'), englishDefinition: 'something else' });
  expect(other.output).toEqual({ ...first.output, warnings: [expect.stringContaining('already')] });
  expect(anki.notes).toHaveLength(1);
});

test('a note that a person has deleted in Anki is added again', async () => {
  await add(noteAbout('deleted'));
  anki.notes.length = 0;
  const { output } = await add(noteAbout('deleted'));
  expect(anki.notes.map(({ noteId }) => noteId)).toEqual([output.noteId]);
});

const losses = whole.map((action, index) => {
  const count = whole.slice(0, index + 1).filter((each) => each === action).length;
  return [`${action} ${count}`, action, count] as const;
});

test.each(losses)('an answer lost at %s leaves one note after a rerun', async (_which, action, count) => {
  const id = randomUUID();
  const input = noteAbout(`lost-${action}-${count}`);
  anki.interfere((call) => (call.action === action && call.count === count ? 'lose the answer' : undefined));
  expect(await failure(input, { id })).toMatchObject({ code: 'SyncError', isRetried: true });
  anki.interfere(undefined);
  const { output } = await add(input, { id });
  expect(anki.notes.map(({ noteId }) => noteId)).toEqual([output.noteId]);
  expect(anki.notes[0]?.fields['TextAudio']).toMatch(/^\[sound:/);
  expect(anki.calls.at(-1)).toBe('sync');
});

test('a note that Anki has from before is taken over, not doubled', async () => {
  await add(noteAbout('mine'));
  await lovage.db.execute(sql`DELETE FROM pack_cards.anki_notes`);
  const [note] = anki.notes;
  if (note) note.tags = [];
  const { output } = await add(noteAbout('mine'));
  expect(anki.notes).toHaveLength(1);
  expect(output.noteId).toBe(note?.noteId);
});

test('two words of one sentence are two notes, though Anki calls them duplicates', async () => {
  const englishExample = '{{c1::Up}} and "down"';
  const one = await add(noteInput({ word: 'up', englishExample }));
  const two = await add(noteInput({ word: 'd"o*wn', englishExample }));
  expect(anki.notes.map(({ noteId }) => noteId)).toEqual([one.output.noteId, two.output.noteId]);
});

test.each<[string, string, Answer, string, boolean]>([
  ['a closed collection', 'sync', { refuse: 'collection is not available' }, 'AnkiLocked', true],
  ['a locked database', 'addNote', { refuse: 'database is locked' }, 'AnkiLocked', true],
  ['no AnkiWeb account', 'sync', { refuse: 'sync: auth not configured' }, 'SyncError', false],
  [
    'a full sync to be chosen by a person',
    'sync',
    { refuse: 'Sync status 2 not one of [0, 1] - see SyncCollectionResponse' },
    'FullSyncRequired',
    false,
  ],
  ['a wrong key', 'createDeck', { refuse: 'valid api key must be provided' }, 'SyncError', false],
  ['500', 'sync', { status: 500, body: '{}' }, 'SyncError', true],
  ['a page', 'sync', { type: 'text/html', body: '<p>' }, 'SyncError', false],
  ['JSON that is none', 'sync', { body: '{"result":' }, 'SyncError', false],
  ['another shape', 'sync', { body: '[]' }, 'SyncError', false],
  ['an id that is none', 'addNote', { body: '{"result":"7","error":null}' }, 'SyncError', false],
  ['another file name', 'storeMediaFile', { body: '{"result":"x.mp3","error":null}' }, 'SyncError', false],
])('Anki answers %s: %s fails', async (what, action, answer, code, isRetried) => {
  const input = noteAbout(`refused-${what}`);
  anki.interfere((call) => (call.action === action ? answer : undefined));
  expect(await failure(input)).toMatchObject({ code, isRetried });
  expect(anki.notes).toEqual([]);
  const left = await lovage.db.execute(sql`SELECT FROM pack_cards.anki_notes WHERE id IS NULL`);
  expect(left.rows).toHaveLength(isRetried ? 1 : 0);
  anki.interfere(undefined);
  await add(input);
  expect(anki.notes).toHaveLength(1);
});

test('an Anki that is not there is tried again', async () => {
  await anki[Symbol.asyncDispose]();
  expect(await failure(noteAbout('nobody'))).toMatchObject({ code: 'SyncError', isRetried: true });
});

test('a note type of that name with other fields is left alone', async () => {
  anki.models.set('Custom Cloze', ['Back', 'Text']);
  expect(await failure(noteAbout('foreign'))).toMatchObject({ code: 'SyncError', isRetried: false });
  expect(anki.models.get('Custom Cloze')).toEqual(['Back', 'Text']);
});

test('a sync that takes too long is MediaSyncTimeout, and its rerun only syncs', async () => {
  vi.stubEnv('ANKI_MEDIA_SYNC_TIMEOUT', '0.3');
  const id = randomUUID();
  anki.interfere(({ action, count }) => (action === 'sync' && count === 2 ? 'fall silent' : undefined));
  expect(await failure(noteAbout('slow'), { id })).toMatchObject({
    code: 'MediaSyncTimeout',
    isRetried: true,
  });
  anki.interfere(undefined);
  anki.calls.length = 0;
  await add(noteAbout('slow'), { id });
  expect(anki.calls).toEqual(['sync']);
  expect(anki.notes).toHaveLength(1);
});

test('a handler that is told to stop ends with the reason it was given', async () => {
  const stop = new AbortController();
  const reason = new Error('stop now');
  anki.interfere(({ action }) => {
    if (action === 'createDeck') stop.abort(reason);
    return undefined;
  });
  await expect(add(noteAbout('stopped'), { signal: stop.signal })).rejects.toBe(reason);
});
