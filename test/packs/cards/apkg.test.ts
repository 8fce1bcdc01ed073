import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { writeApkg } from '../../../packs/cards/apkg/write-apkg.ts';
import { ordinalsOf, writeCollection, type DeckNote } from '../../../packs/cards/apkg/write-collection.ts';
import { makeNote } from '../../../packs/cards/note/make-note.ts';
import { noteInput } from './note-input.ts';
import { inspectApkg } from './inspect-apkg.ts';

const FIRST = 1_760_000_000_000;

async function deckNote(index: number, change: Parameters<typeof noteInput>[0]): Promise<DeckNote> {
  const { guid, fields } = await makeNote(noteInput(change));
  const id = FIRST + index * 60_000;
  return { id, cardId: id + 1, guid, fields: { ...fields, TextAudio: `[sound:${index}.mp3]` } };
}

const notes = Promise.all([
  deckNote(1, { word: 'dog', englishExample: 'A dog &amp; a <i>"cat"</i>' }),
  deckNote(2, { word: 'naïve', englishExample: 'A {{c3::naïve}} {{c1::"plan"}} — {{c3::日本}}' }),
  deckNote(3, { word: "don't", englishExample: 'I don’t know', exampleTranslation: '<b>nie</b> wiem 🙂' }),
]);

const media = [
  { name: 'a.mp3', read: async () => new Uint8Array([1, 2, 3]) },
  { name: 'b.mp3', read: async () => new Uint8Array(100_000).fill(7) },
];

async function build(): Promise<Buffer> {
  const given = await notes;
  const collection = await writeCollection(
    (async function* () {
      yield* given;
    })(),
  );
  return Buffer.concat((await Readable.from(writeApkg(collection, media)).toArray()) as Uint8Array[]);
}

test('a deck is a package as Anki reads it, table by table', async () => {
  const [first, second, third] = await notes;
  const found = await inspectApkg(await build());
  expect(found.notes.map(({ guid }) => guid)).toEqual([first?.guid, second?.guid, third?.guid]);
  expect(found.notes[1]?.fields).toEqual(Object.values(second?.fields ?? {}));
  expect(found.notes[1]?.sfld).toBe('naïve');
  expect(found.notes[2]?.sfld).toBe("don't");
  expect(found.cards).toEqual([
    { id: FIRST + 60_001, nid: FIRST + 60_000, ord: 0 },
    { id: FIRST + 120_001, nid: FIRST + 120_000, ord: 0 },
    { id: FIRST + 120_002, nid: FIRST + 120_000, ord: 2 },
    { id: FIRST + 180_001, nid: FIRST + 180_000, ord: 0 },
  ]);
  expect([...found.media]).toEqual([
    ['a.mp3', Buffer.from([1, 2, 3])],
    ['b.mp3', Buffer.alloc(100_000, 7)],
  ]);
});

test('the checksum is that of what one reads in the first field', async () => {
  const [first] = (await inspectApkg(await build())).notes;
  const read = 'A {{c1::dog}} & a "cat"';
  expect(first?.csum).toBe(parseInt(createHash('sha1').update(read).digest('hex').slice(0, 8), 16));
});

test('equal content makes equal bytes, whatever the clock of its place says', async () => {
  const zone = process.env['TZ'];
  try {
    process.env['TZ'] = 'Pacific/Kiritimati';
    const east = await build();
    process.env['TZ'] = 'Pacific/Pago_Pago';
    expect(Buffer.compare(await build(), east)).toBe(0);
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
});

test('each number of a cloze is one card, however often it stands there', () => {
  expect(ordinalsOf('{{c2::a}} {{c1::b}} {{c2::c {{c7::d}}}}')).toEqual([0, 1, 6]);
});

test('SQLite itself finds no fault with a collection', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lovage-apkg-test-'));
  try {
    const file = join(folder, 'collection.anki2');
    await writeFile(file, (await inspectApkg(await build())).collection);
    const database = new DatabaseSync(file, { readOnly: true });
    expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    database.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
