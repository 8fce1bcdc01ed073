import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLab, type Lab } from '../../lab.ts';
import { fakeAnkiEnv, openFakeAnki, type FakeAnki } from './fake-anki.ts';
import { installFakeEspeak, type FakeEspeak } from './fake-espeak.ts';
import { noteAbout } from './note-input.ts';
import { expectOneNote, startWorkers, type Workers } from './workers.ts';

let espeak: FakeEspeak;
let anki: FakeAnki;
let lab: Lab;
let workers: Workers;

beforeAll(async () => {
  espeak = await installFakeEspeak();
  anki = await openFakeAnki();
  lab = await openLab();
  workers = await startWorkers(lab, { ...espeak.env, ...fakeAnkiEnv(anki) });
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await anki[Symbol.asyncDispose]();
  await espeak[Symbol.asyncDispose]();
});

test.each([
  ['sync', 1, 'the first sync'],
  ['createDeck', 1, 'the deck'],
  ['storeMediaFile', 2, 'the second recording'],
  ['addNote', 1, 'the note'],
  ['sync', 2, 'the last sync'],
])('a worker killed at %s %i, when Anki has done it, adds one note', async (action, nth, what) => {
  const reached = Promise.withResolvers<void>();
  let count = 0;
  anki.interfere((call) => {
    if (call.action !== action || ++count !== nth) return undefined;
    reached.resolve();
    return 'fall silent';
  });
  const id = await workers.enqueue(noteAbout(what));
  await reached.promise;
  const { replaced } = await workers.killRunner(id);
  const { noteId } = await expectOneNote(lab, id, what);
  await replaced;
  const notes = anki.notes.filter(({ fields }) => fields['Word'] === what);
  expect(notes.map((note) => note.noteId)).toEqual([noteId]);
  expect(anki.calls.at(-1)).toBe('sync');
  for (const field of ['DefinitionAudio', 'TextAudio'])
    expect(anki.media.has(/^\[sound:(.*)\]$/.exec(notes[0]?.fields[field] ?? '')?.[1] ?? '')).toBe(true);
});
