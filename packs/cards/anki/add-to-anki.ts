import { Discard } from 'lovage';
import { z } from 'zod';
import type { NoteFields } from '../note/fields.ts';
import { DECK_NAME, MODEL_NAME } from '../note/note-type.ts';
import { AnkiRefusal, callAnki, type AnkiServer } from './call-anki.ts';
import type { NoteIds } from './collection.ts';

interface NewNote {
  guid: string;
  fields: NoteFields;
}

const ids = z.array(z.int().positive());
const info = z.array(
  z.object({
    noteId: z.int().positive(),
    cards: ids.min(1),
    fields: z.object({ Text: z.object({ value: z.string() }), Word: z.object({ value: z.string() }) }),
  }),
);

/**
 * Adds a note once. AnkiConnect cannot be told a GUID, so the note carries it as a tag; what was added before a crash is found by
 * that. Anki calls two notes duplicates when their first fields agree: only where the word does as well are they one.
 */
export async function addToAnki(server: AnkiServer, note: NewNote): Promise<NoteIds> {
  const tagged = await findNotes(server, `"tag:${tagOf(note)}"`);
  if (tagged[0] !== undefined) return idsOf(server, tagged[0]);
  const added = await tryToAdd(server, note, false);
  if (added !== undefined) return idsOf(server, added);
  const same = await findSame(server, note);
  if (same !== undefined) return same;
  const other = await tryToAdd(server, note, true);
  if (other !== undefined) return idsOf(server, other);
  throw new Discard('Anki: addNote: it takes the note for a duplicate, and there is none', {
    code: 'SyncError',
  });
}

async function tryToAdd(
  server: AnkiServer,
  note: NewNote,
  allowDuplicate: boolean,
): Promise<number | undefined> {
  const { fields } = note;
  const params = {
    note: {
      deckName: DECK_NAME,
      modelName: MODEL_NAME,
      fields,
      tags: ['lovage', tagOf(note)],
      options: { allowDuplicate },
    },
  };
  try {
    return await callAnki(server, { action: 'addNote', params, result: z.int().positive() });
  } catch (error) {
    if (error instanceof AnkiRefusal && /duplicate/i.test(error.message)) return undefined;
    throw error;
  }
}

/** A note with this text and word, made by an attempt before this one, by a person, or by the system before this one. */
async function findSame(server: AnkiServer, { fields }: NewNote): Promise<NoteIds | undefined> {
  const found = await findNotes(server, `"note:${MODEL_NAME}" "Word:${escapeSearch(fields.Word)}"`);
  const notes = found.length === 0 ? [] : await readNotes(server, found);
  const same = notes.find(
    (note) => isSame(note.fields.Text.value, fields.Text) && isSame(note.fields.Word.value, fields.Word),
  );
  return same && { noteId: same.noteId, cardId: Math.min(...same.cards) };
}

async function idsOf(server: AnkiServer, noteId: number): Promise<NoteIds> {
  const [note] = await readNotes(server, [noteId]);
  if (note?.noteId === noteId) return { noteId, cardId: Math.min(...note.cards) };
  throw new Discard(`Anki: note ${noteId} is not there`, { code: 'SyncError' });
}

const findNotes = (server: AnkiServer, query: string): Promise<number[]> =>
  callAnki(server, { action: 'findNotes', params: { query }, result: ids });

const readNotes = (server: AnkiServer, notes: number[]): Promise<z.output<typeof info>> =>
  callAnki(server, { action: 'notesInfo', params: { notes }, result: info });

const tagOf = ({ guid }: NewNote): string => `lovage-${guid}`;

const isSame = (theirs: string, ours: string): boolean => theirs.normalize('NFC').trim() === ours;

/** Within quotes these are commands of Anki's search. */
const escapeSearch = (text: string): string => text.replaceAll(/["\\*_:]/g, String.raw`\$&`);
