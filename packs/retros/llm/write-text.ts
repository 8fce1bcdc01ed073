import { z } from 'zod';
import type { Assembled } from '../report/assemble.ts';
import type { Report } from '../report/schema.ts';
import { chooseModel, type Model } from './choose-model.ts';
import type { RetrosEnvironment } from '../environment.ts';
import { complete } from './complete.ts';
import { describeFacts, SYSTEM } from './prompt.ts';
import { UnusableAnswer, readAnswer, type Text } from './read-answer.ts';

export type TextMetadata = Omit<Report['metadata'], 'sources'>;

/**
 * Has a model write headline and summary from what was found, where one is configured. Whatever goes wrong with it, the
 * assembler's own text stands, and the metadata say why. @throws only the reason of `signal`.
 */
export async function writeText(
  report: Assembled,
  environment: RetrosEnvironment,
  signal: AbortSignal,
): Promise<Text & { metadata: TextMetadata }> {
  const own = { headline: report.headline, summary: report.summary };
  const model = chooseModel(environment);
  if (model === null) return { ...own, metadata: signed('assembler', null, null) };
  const facts = describeFacts(report);
  try {
    const text = readAnswer(await complete(model, { system: SYSTEM, user: facts }, signal), report, facts);
    return { ...text, metadata: signed('llm', model, null) };
  } catch (error) {
    signal.throwIfAborted();
    return { ...own, metadata: signed('assembler', model, tellFailure(error)) };
  }
}

const signed = (by: TextMetadata['text_by'], model: Model | null, error: string | null): TextMetadata => ({
  text_by: by,
  llm_provider: model?.provider ?? null,
  llm_model: model?.name ?? null,
  llm_error: error,
});

const answered = z.object({ status: z.int() });

/** In our own words: a service's own may repeat the key. */
function tellFailure(error: unknown): string {
  if (error instanceof UnusableAnswer) return error.message;
  const status = answered.safeParse(error);
  if (status.success) return `the model's service answered ${status.data.status}`;
  if (error instanceof Error && /timed? ?out/i.test(error.message))
    return "the model's service did not answer in time";
  return "the model's service could not be reached, or answered what is no completion";
}
