import type { Model } from './choose-model.ts';

const TIMEOUT_MS = 60_000;
const MAX_TOKENS = 500;
const TEMPERATURE = 0.7;

/** What the model answers to these messages. @throws what the SDK throws; nothing is tried twice, the assembler's text is there. */
export async function complete(
  model: Model,
  messages: { system: string; user: string },
  signal: AbortSignal,
): Promise<string> {
  const { default: OpenAI, AzureOpenAI } = await import('openai');
  const options = { apiKey: model.apiKey, maxRetries: 0, timeout: TIMEOUT_MS };
  const client = model.azure
    ? new AzureOpenAI({ ...options, ...model.azure })
    : new OpenAI({ ...options, ...(model.baseUrl !== undefined && { baseURL: model.baseUrl }) });
  const answer = await client.chat.completions.create(
    {
      model: model.name,
      max_tokens: MAX_TOKENS,
      temperature: TEMPERATURE,
      messages: [
        { role: 'system', content: messages.system },
        { role: 'user', content: messages.user },
      ],
    },
    { signal },
  );
  return answer.choices[0]?.message.content ?? '';
}
