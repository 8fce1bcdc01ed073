import type { CardsEnvironment } from '../environment.ts';
import { espeak } from './espeak.ts';
import { google } from './google.ts';
import type { Voice } from './voice.ts';

export function chooseVoice({ GCP_TTS_API_KEY: key, GCP_TTS_URL: url }: CardsEnvironment): Voice {
  return key === undefined ? espeak : google({ key, ...(url === undefined ? {} : { url }) });
}
