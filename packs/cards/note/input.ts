import { z } from 'zod';
import { findFaults } from './find-faults.ts';

const MAX_FIELD = 4_000;
const MAX_SPOKEN = 1_000;

// Anki separates the fields of a note by one of these; line breaks and tabs are text.
const CONTROL = /[^\P{Cc}\t\n\r\x80-\x9f]/u;
const field = z
  .string()
  .max(MAX_FIELD)
  .refine((text) => !CONTROL.test(text), 'must not hold control characters');

/** A word as the dictionary sends it. All are required; those that the dictionary knows nothing of are empty. */
export const clozeNoteInput = z
  .strictObject({
    word: field.min(1).max(MAX_SPOKEN),
    partOfSpeech: field,
    guideWord: field,
    englishDefinition: field,
    definitionTranslation: field,
    cefrLevel: field,
    code: field,
    englishExample: field.min(1).max(MAX_SPOKEN),
    exampleTranslation: field,
  })
  .superRefine(async (input, context) => {
    for (const { path, message } of await findFaults(input)) {
      context.addIssue({ code: 'custom', path: [path], message });
    }
  });

export type ClozeNoteInput = z.output<typeof clozeNoteInput>;
