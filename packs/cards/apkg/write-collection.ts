import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { NOTE_FIELDS, type NoteFields } from '../note/fields.ts';
import { findClozes } from '../note/find-clozes.ts';
import { DECK_ID, MODEL_ID, SORT_FIELD } from '../note/note-type.ts';
import { collectionSettings } from './collection-settings.ts';
import { SCHEMA_11 } from './schema11.ts';
import { stripHtml } from './strip-html.ts';

export interface DeckNote {
  id: number;
  cardId: number;
  guid: string;
  fields: NoteFields;
}

const VERSION = 11;
const USN = -1;
const SEPARATOR = '\u001f';

/** Writes a collection with these notes, each with a new card for each of its clozes. Equal notes make equal bytes. */
export async function writeCollection(notes: AsyncIterable<DeckNote>): Promise<Uint8Array> {
  const { DatabaseSync } = await import('node:sqlite');
  const folder = await mkdtemp(join(tmpdir(), 'lovage-cards-'));
  const file = join(folder, 'collection.anki2');
  try {
    const database = new DatabaseSync(file);
    try {
      database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;');
      database.exec(`BEGIN; ${SCHEMA_11}`);
      const last = await addNotes(database, notes);
      addSettings(database, last);
      database.exec('COMMIT');
    } finally {
      database.close();
    }
    return await readFile(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function addNotes(database: DatabaseSync, notes: AsyncIterable<DeckNote>): Promise<number> {
  const addNote = database.prepare("INSERT INTO notes VALUES (?, ?, ?, ?, ?, ' lovage ', ?, ?, ?, 0, '')");
  const addCard = database.prepare(
    "INSERT INTO cards VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, 0, 0, 0, 0, 0, 0, 0, 0, '')",
  );
  let [due, mod] = [0, 0];
  for await (const { id, cardId, guid, fields } of notes) {
    due += 1;
    mod = seconds(id);
    const values = NOTE_FIELDS.map((name) => fields[name]);
    const sorted = await stripHtml(values[SORT_FIELD] ?? '');
    const flds = values.join(SEPARATOR);
    addNote.run(id, guid, MODEL_ID, mod, USN, flds, sorted, await checksum(fields.Text));
    for (const [index, ord] of ordinalsOf(fields.Text).entries()) {
      addCard.run(cardId + index, id, DECK_ID, ord, mod, USN, due);
    }
  }
  return mod;
}

function addSettings(database: DatabaseSync, mod: number): void {
  const { conf, models, decks, dconf, tags } = collectionSettings(mod);
  const settings = [conf, models, decks, dconf, tags].map((value) => JSON.stringify(value));
  database
    .prepare('INSERT INTO col VALUES (1, ?, ?, ?, ?, 0, 0, 0, ?, ?, ?, ?, ?)')
    .run(seconds(DECK_ID), mod * 1_000, mod * 1_000, VERSION, ...settings);
}

/** Cloze 1 is card 0; the same number twice is one card. */
export const ordinalsOf = (text: string): number[] =>
  [...new Set(findClozes(text).clozes.map(({ number }) => number - 1))].sort((a, b) => a - b);

/** Anki finds duplicates by it: eight hexadecimal digits of the SHA-1 of what one reads in the first field. */
const checksum = async (text: string): Promise<number> =>
  parseInt(
    createHash('sha1')
      .update(await stripHtml(text))
      .digest('hex')
      .slice(0, 8),
    16,
  );

const seconds = (ms: number): number => Math.floor(ms / 1_000);
