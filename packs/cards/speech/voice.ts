/** What a voice says, as a file. */
export interface Recording {
  bytes: Uint8Array;
  mime: string;
  extension: string;
}

/** Reads English text aloud. Null: there is nobody here who could. */
export type Voice = (text: string, signal: AbortSignal) => Promise<Recording | null>;
