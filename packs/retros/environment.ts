import { z } from 'zod';

/** An empty variable counts as unset. */
const given = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

const word = given(z.string().trim().min(1));
const address = given(z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }));

/** What this pack reads of the environment, under the names of the system that ran on Celery. */
export const environment = z
  .object({
    EXTERNAL_METRICS_API_URL: address,
    EXTERNAL_METRICS_API_KEY: word,
    METRICS_DIR: word,
    LLM_PROVIDER: given(z.enum(['openai', 'anthropic', 'azure'])),
    CHAT_COMPLETION_API_KEY: word,
    LLM_MODEL: word,
    /** Any endpoint that speaks OpenAI's chat completions. */
    LLM_BASE_URL: address,
    AZURE_ENDPOINT: address,
    AZURE_API_VERSION: word,
    AZURE_DEPLOYMENT: word,
    /** Shown by the health route. */
    ENVIRONMENT: word,
  })
  .superRefine((read, context) => {
    const need = (name: 'AZURE_ENDPOINT' | 'AZURE_DEPLOYMENT' | 'CHAT_COMPLETION_API_KEY' | 'LLM_MODEL') => {
      if (read[name] === undefined)
        context.addIssue({
          code: 'custom',
          path: [name],
          message: `must be set for LLM_PROVIDER=${read.LLM_PROVIDER}`,
        });
    };
    if (read.LLM_PROVIDER === 'azure') {
      need('CHAT_COMPLETION_API_KEY');
      need('AZURE_ENDPOINT');
      need('AZURE_DEPLOYMENT');
    }
    if (read.LLM_PROVIDER === 'anthropic') {
      need('CHAT_COMPLETION_API_KEY');
      need('LLM_MODEL');
    }
  });
export type RetrosEnvironment = z.output<typeof environment>;

/** Read anew by each attempt: nothing is held that a restart would have to forget. */
export const readEnvironment = (): RetrosEnvironment => environment.parse(process.env);
