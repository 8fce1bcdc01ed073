import { createHash } from 'node:crypto';
import type { NoteFields } from './fields.ts';
import { dropMarks, findClozes } from './find-clozes.ts';
import type { ClozeNoteInput } from './input.ts';
import { nfc } from './normalize.ts';
import { speakable } from './read-text.ts';
import { wrapWord } from './wrap-word.ts';

/** A note before it has a voice. */
export interface Note {
  guid: string;
  fields: NoteFields;
  /** What is to be read aloud, in plain text. */
  spoken: { DefinitionAudio: string; TextAudio: string };
}

/** Makes the note of a word. Sent with its cloze or without, it is the same note. */
export async function makeNote(input: ClozeNoteInput): Promise<Note> {
  const example = nfc(input.englishExample);
  const word = nfc(input.word);
  const hasCloze = findClozes(example).clozes.length > 0;
  const text = hasCloze ? example : await wrapWord(example, word);
  if (text === undefined) throw new Error('the example lost its word after it was checked');
  return {
    guid: createHash('sha256')
      .update(JSON.stringify([word, text]))
      .digest('hex')
      .slice(0, 20),
    fields: {
      Text: text,
      Word: word,
      TextTranslation: nfc(input.exampleTranslation),
      EnDefinition: nfc(input.englishDefinition),
      DefinitionTranslation: nfc(input.definitionTranslation),
      PartOfSpeech: nfc(input.partOfSpeech),
      CefrLevel: nfc(input.cefrLevel),
      Code: nfc(input.code),
      DefinitionAudio: '',
      TextAudio: '',
    },
    spoken: { DefinitionAudio: await speakable(word), TextAudio: await speakable(dropMarks(text)) },
  };
}
