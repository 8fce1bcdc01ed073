import { z } from 'zod';
import type { Assembled } from '../report/assemble.ts';
import { isStorable } from '../sprints/storable.ts';

/** The model answered, but not what can be used. Its message quotes nothing of the answer. */
export class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer';
}

const answer = z.object({
  headline: z.string().trim().min(10).max(300).refine(isStorable),
  summary: z.string().trim().min(20).max(4000).refine(isStorable),
});
export type Text = z.output<typeof answer>;

const NUMBER = /\d+(?:[.,]\d+)*/g;

/**
 * Takes a model's text only where each of its numbers stands in the facts it was given. What must be said is added where it is
 * not: that the data are a demo, and the team's own context. @throws UnusableAnswer
 */
export function readAnswer(content: string, report: Assembled, facts: string): Text {
  const parsed = answer.safeParse(parseJson(content));
  if (!parsed.success) throw new UnusableAnswer('the model did not answer with the JSON that was asked for');
  const known = new Set(facts.match(NUMBER));
  const { headline, summary } = parsed.data;
  const isInvented = (number: string) => !known.has(number) && !known.has(number.replace(',', '.'));
  if ((`${headline} ${summary}`.match(NUMBER) ?? []).some(isInvented))
    throw new UnusableAnswer('the model used numbers that are not in the data');
  return {
    headline:
      report.headline.startsWith(DEMO) && !headline.startsWith(DEMO) ? `${DEMO} ${headline}` : headline,
    summary:
      report.custom_context === null || summary.includes(report.custom_context)
        ? summary
        : `${summary}\n\nContext given by the team: ${report.custom_context}`,
  };
}

const DEMO = 'Demo data:';

/** Models like to wrap JSON in a fence. */
function parseJson(content: string): unknown {
  const [from, to] = [content.indexOf('{'), content.lastIndexOf('}')];
  try {
    return JSON.parse(content.slice(from, to + 1));
  } catch {
    return undefined;
  }
}
