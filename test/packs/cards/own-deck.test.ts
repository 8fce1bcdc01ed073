import { sql } from 'drizzle-orm';
import { defineConfig } from 'lovage';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from 'vitest';
import { addClozeNote, timeoutFor } from '../../../packs/cards/add-cloze-note.ts';
import { serveDeck } from '../../../packs/cards/apkg/serve-deck.ts';
import { cards } from '../../../packs/cards/index.ts';
import { openTestLovage, runTask, type TestLovage } from '../../../src/testing/index.ts';
import { installFakeEspeak, type FakeEspeak } from './fake-espeak.ts';
import { openFakeGoogle } from './fake-google.ts';
import { inspectApkg } from './inspect-apkg.ts';
import { noteAbout, noteInput } from './note-input.ts';

const HOUR_MS = 60 * 60 * 1000;

let lovage: TestLovage;
let espeak: FakeEspeak;
beforeAll(async () => {
  espeak = await installFakeEspeak();
  lovage = await openTestLovage(defineConfig({ packs: [cards] }), { serverUrl: inject('serverUrl') });
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await lovage[Symbol.asyncDispose]();
  await espeak[Symbol.asyncDispose]();
});

const add = async (tenant: string, input = noteInput()) =>
  (await runTask(addClozeNote, input, { db: lovage.db, tenant })).output;

async function deckOf(tenant: string) {
  const reply = await serveDeck(lovage.db, { tenant, name: 'English Vocabulary' });
  return reply && inspectApkg(await buffer(reply.body as Readable));
}

const speaking = () => vi.stubEnv('PATH', espeak.env.PATH);
const silent = () => vi.stubEnv('PATH', '/nowhere');

test('the same note twice is one note, with the ids it had', async () => {
  speaking();
  const first = await add('twice');
  expect(await add('twice')).toEqual(first);
  expect(first).toEqual({ success: true, noteId: expect.any(Number), cardId: first.noteId + 1 });
  const deck = await deckOf('twice');
  expect(deck?.notes.map(({ id }) => id)).toEqual([first.noteId]);
  expect(deck?.cards).toEqual([{ id: first.cardId, nid: first.noteId, ord: 0 }]);
  expect([...(deck?.media.keys() ?? [])].every((name) => /^lovage-[0-9a-f]{40}\.wav$/.test(name))).toBe(true);
});

test('two notes are two cards; one with three clozes is three more, and no ids meet', async () => {
  speaking();
  const tenant = 'several';
  await add(tenant, noteInput({ word: 'a', englishExample: '{{c1::a}} {{c2::b}} {{c3::c}}' }));
  await Promise.all(['one', 'two'].map((word) => add(tenant, noteAbout(word))));
  const deck = await deckOf(tenant);
  expect(deck?.notes).toHaveLength(3);
  expect(deck?.cards.map(({ ord }) => ord)).toEqual([0, 1, 2, 0, 0]);
});

test('what two notes say alike is recorded once', async () => {
  speaking();
  const examples = ['A ledger', 'The ledger'];
  for (const englishExample of examples) await add('alike', noteInput({ englishExample }));
  expect((await deckOf('alike'))?.media.size).toBe(3);
});

test('without a voice the note has no audio and says so, also when it is sent again', async () => {
  silent();
  const first = await add('silent');
  expect(first.warnings).toEqual([expect.stringContaining('No audio')]);
  speaking();
  expect(await add('silent')).toEqual(first);
  const deck = await deckOf('silent');
  expect(deck?.notes[0]?.fields.slice(8)).toEqual(['', '']);
  expect(deck?.media.size).toBe(0);
});

const countOf = async (table: 'anki_notes' | 'anki_media', tenant: string) => {
  const rows = await lovage.db.execute(
    sql`SELECT FROM pack_cards.${sql.identifier(table)} WHERE tenant = ${tenant}`,
  );
  return rows.rows.length;
};

test('a note that fails is in no deck, and nothing is left of it', async () => {
  speaking();
  await expect(add('failing', noteAbout('unspeakable'))).rejects.toMatchObject({ code: 'TtsError' });
  expect(await deckOf('failing')).toBeNull();
  expect([await countOf('anki_notes', 'failing'), await countOf('anki_media', 'failing')]).toEqual([0, 0]);
});

test('what a note that was given up a day ago has left goes with the next one, but for what others use', async () => {
  speaking();
  const tenant = 'given up';
  await add(tenant, noteInput({ englishExample: 'A ledger' }));
  await add(tenant, noteInput({ englishExample: 'The ledger' }));
  await lovage.db.execute(sql`
    UPDATE pack_cards.anki_notes SET id = NULL, card_id = NULL, step = 3, created_at = now() - interval '25 hours'
    WHERE tenant = ${tenant} AND fields ->> 'Text' LIKE 'A %'`);
  expect(await countOf('anki_media', tenant)).toBe(3);
  silent();
  await add(tenant, noteAbout('next'));
  expect((await deckOf(tenant))?.notes).toHaveLength(2);
  expect([await countOf('anki_notes', tenant), await countOf('anki_media', tenant)]).toEqual([2, 2]);
});

test('a deck of more than one page keeps the order in which its notes were added', async () => {
  await lovage.db.execute(sql`
    INSERT INTO pack_cards.anki_notes (tenant, guid, id, card_id, task_id, step, fields)
    SELECT 'many', 'guid-' || n, 1760000000000 + n * 1000, 1760000000001 + n * 1000, gen_random_uuid(), 5,
           jsonb_build_object('Text', '{{c1::' || n || '}}', 'Word', n::text, 'TextTranslation', '', 'EnDefinition', '',
             'DefinitionTranslation', '', 'PartOfSpeech', '', 'CefrLevel', '', 'Code', '', 'DefinitionAudio', '', 'TextAudio', '')
    FROM generate_series(1, 1001) AS n`);
  const words = (await deckOf('many'))?.notes.map(({ fields }) => Number(fields[1]));
  expect(words).toEqual(Array.from({ length: 1001 }, (_, index) => index + 1));
});

test('a note may take 300 s, a sync ten minutes or what is left but ten seconds', async () => {
  expect(addClozeNote).toMatchObject({
    hardLimitMs: 300_000,
    queue: 'anki',
    attempts: 4,
    resultTtlMs: 24 * HOUR_MS,
  });
  expect(addClozeNote.backoff).toEqual({ delaysMs: [60_000, 120_000, 240_000] });
  expect(cards.queues).toEqual({ anki: { clusterConcurrency: 1 } });
  expect(timeoutFor({}, 1_000_000)).toBe(600_000);
  expect(timeoutFor({}, 300_000)).toBe(290_000);
  expect(timeoutFor({ ANKI_MEDIA_SYNC_TIMEOUT: 30 }, 300_000)).toBe(30_000);
  expect(timeoutFor({ ANKI_MEDIA_SYNC_TIMEOUT: 30 }, 5_000)).toBe(1);
});

test('a note that takes longer than its limit holds no other up, and is tried again', async () => {
  await using google = await openFakeGoogle();
  for (const [name, value] of Object.entries(google.env)) vi.stubEnv(name, value);
  google.interfere((text) => (text === 'endless' ? 'fall silent' : undefined));
  const limits = { softLimitMs: 300, hardLimitMs: 400 };
  const { id } = await lovage.enqueue(addClozeNote, noteAbout('endless'), limits);
  expect(await lovage.run(addClozeNote, noteAbout('next'))).toMatchObject({ state: 'succeeded' });
  expect(await lovage.get(id)).toMatchObject({ state: 'retrying', error: { code: 'time_limit' } });
  google.interfere(undefined);
  await lovage.advance(60_000);
  await lovage.idle();
  expect(await lovage.get(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
});

test('a note that its services keep refusing is tried four times, after 60, 120 and 240 s', async () => {
  await using google = await openFakeGoogle();
  for (const [name, value] of Object.entries(google.env)) vi.stubEnv(name, value);
  google.interfere(() => ({ status: 429, body: '{}' }));
  const { id } = await lovage.enqueue(addClozeNote, noteAbout('refused'));
  for (const seconds of [60, 120, 240]) {
    await lovage.idle();
    expect(await lovage.get(id)).toMatchObject({ state: 'retrying', error: { code: 'TtsError' } });
    await lovage.advance((seconds - 5) * 1_000);
    await lovage.idle();
    expect(await lovage.get(id)).toMatchObject({ state: 'retrying' });
    await lovage.advance(5_000);
  }
  await lovage.idle();
  expect(await lovage.get(id)).toMatchObject({ state: 'failed', attempt: 4, error: { code: 'TtsError' } });
});

test('what a note came to can be read for 24 hours', async () => {
  silent();
  const { id } = await lovage.run(addClozeNote, noteAbout('kept'));
  const { url, apiKey } = await lovage.serve();
  const status = async (path: string) =>
    (await fetch(`${url}${path}`, { headers: { 'x-access-token': apiKey, 'x-api-key': apiKey } })).status;
  await lovage.advance(23 * HOUR_MS);
  expect(await status(`/cards/api/v1/tasks/${id}`)).toBe(200);
  expect(await status(`/v1/tasks/${id}/result`)).toBe(200);
  await lovage.advance(HOUR_MS);
  expect(await status(`/cards/api/v1/tasks/${id}`)).toBe(404);
  expect(await status(`/v1/tasks/${id}/result`)).toBe(410);
});
