/** The fields of the note type, in their order in Anki. */
export const NOTE_FIELDS = [
  'Text',
  'Word',
  'TextTranslation',
  'EnDefinition',
  'DefinitionTranslation',
  'PartOfSpeech',
  'CefrLevel',
  'Code',
  'DefinitionAudio',
  'TextAudio',
] as const;

/** As they stand in the note: HTML. */
export type NoteFields = Record<(typeof NOTE_FIELDS)[number], string>;
