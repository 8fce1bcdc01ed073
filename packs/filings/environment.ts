import { z } from 'zod';

const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
const serviceUrl = optional(z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }));
const text = optional(z.string().trim().min(1));

/** What this pack reads from the environment. All is optional; an empty variable counts as unset. */
export const environment = z
  .object({
    /** The folder that `html_path` reads from; API and workers need the same one. */
    FILINGS_DIR: text,
    FILINGS_DEFAULT_SYNC: optional(z.enum(['0', '1'], 'must be 0 or 1')),
    /** What `/embeddings` is appended to, such as `https://api.openai.com/v1`. */
    EMBEDDINGS_URL: serviceUrl,
    EMBEDDINGS_API_KEY: text,
    EMBEDDINGS_MODEL: text,
    /** What `/chat/completions` is appended to. */
    CLASSIFIER_URL: serviceUrl,
    CLASSIFIER_API_KEY: text,
    CLASSIFIER_MODEL: text,
    /** Without CLASSIFIER_URL: passages are labelled by Gemini. */
    GOOGLE_API_KEY: text,
  })
  .refine(({ CLASSIFIER_URL: url, CLASSIFIER_MODEL: model }) => url === undefined || model !== undefined, {
    path: ['CLASSIFIER_MODEL'],
    error: 'is needed with CLASSIFIER_URL',
  });

export type Environment = z.output<typeof environment>;

export const readEnvironment = (): Environment => environment.parse(process.env);
