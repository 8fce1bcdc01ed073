import { readFileSync } from 'node:fs';
import type { ClozeNoteInput } from '../../../packs/cards/note/input.ts';

const sample = JSON.parse(
  readFileSync(new URL('../../../packs/cards/samples/sample-note.json', import.meta.url), 'utf8'),
) as ClozeNoteInput;

/** The pack's own sample, changed as a test needs it. */
export const noteInput = (change: Partial<ClozeNoteInput> = {}): ClozeNoteInput => ({ ...sample, ...change });

/** A note of its own for each name. */
export const noteAbout = (word: string): ClozeNoteInput =>
  noteInput({ word, englishExample: `This is about {{c1::${word}}}.`, code: `sample-${word}` });
