import type { CardsEnvironment } from '../environment.ts';
import { espeak } from './espeak.ts';
import { google } from './google.ts';

/** What a voice says, as a file. */
export interface Recording {
  bytes: Uint8Array;
  mime: string;
  extension: string;
}

/** Reads English text aloud. Null: there is nobody here who could. */
export type Voice = (text: string, signal: AbortSignal) => Promise<Recording | null>;

export function chooseVoice({ GCP_TTS_API_KEY: key, GCP_TTS_URL: url }: CardsEnvironment): Voice {
  return key === undefined ? espeak : google({ key, ...(url === undefined ? {} : { url }) });
}
