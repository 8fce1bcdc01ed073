import { z } from 'zod';

/** What is set to nothing is not set. */
const given = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

const serviceUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });

/** The variables that cards reads, by the names they have always had. */
export const environment = z.object({
  /** Where Anki with AnkiConnect answers. Without it notes go to a deck in Postgres. */
  ANKI_CONNECT_URL: given(serviceUrl),
  /** The `apiKey` of AnkiConnect's own settings. */
  ANKI_CONNECT_KEY: given(z.string()),
  /** Seconds that a sync with AnkiWeb may take, media included. */
  ANKI_MEDIA_SYNC_TIMEOUT: given(z.coerce.number().positive()),
  /** A key for Google Cloud Text-to-Speech. Without it espeak-ng speaks, where it is installed. */
  GCP_TTS_API_KEY: given(z.string()),
  /** A regional endpoint in place of Google's global one. */
  GCP_TTS_URL: given(serviceUrl),
});

export type CardsEnvironment = z.output<typeof environment>;

export const readEnvironment = (): CardsEnvironment => environment.parse(process.env);
