import type { RetrosEnvironment } from '../environment.ts';

/** Which model writes the text, and how it is reached. */
export interface Model {
  provider: 'openai' | 'anthropic' | 'azure';
  name: string;
  apiKey: string;
  /** Of an endpoint that speaks OpenAI's chat completions; undefined: OpenAI's own. */
  baseUrl: string | undefined;
  azure: { endpoint: string; apiVersion: string; deployment: string } | null;
}

const ANTHROPIC_URL = 'https://api.anthropic.com/v1/';
const OPENAI_MODEL = 'gpt-4o-mini';
const AZURE_API_VERSION = '2024-10-21';

/** null where none is configured: then the assembler's text stands. */
export function chooseModel(read: RetrosEnvironment): Model | null {
  const provider = read.LLM_PROVIDER ?? 'openai';
  const { CHAT_COMPLETION_API_KEY: apiKey, LLM_BASE_URL: baseUrl } = read;
  if (apiKey === undefined && baseUrl === undefined) return null;
  const model = { provider, apiKey: apiKey ?? 'none', baseUrl, azure: null };
  const { AZURE_ENDPOINT: endpoint, AZURE_DEPLOYMENT: deployment } = read;
  if (provider === 'azure' && endpoint !== undefined && deployment !== undefined) {
    const apiVersion = read.AZURE_API_VERSION ?? AZURE_API_VERSION;
    return { ...model, name: read.LLM_MODEL ?? deployment, azure: { endpoint, apiVersion, deployment } };
  }
  if (provider === 'anthropic')
    return { ...model, name: read.LLM_MODEL ?? '', baseUrl: baseUrl ?? ANTHROPIC_URL };
  return { ...model, name: read.LLM_MODEL ?? OPENAI_MODEL };
}
