import { defineTask } from 'lovage';
import { z } from 'zod';
import { analyze } from './analyze.ts';
import { analyzeInput } from './filing-input.ts';
import { threeRetries } from '../../services/three-retries.ts';
import { policy } from './policy.ts';

const MAX_FILINGS = 100;

/**
 * Starts an analysis of each filing and is done: its result names them, so that a client can follow each while it runs. A company's
 * earlier years are started first, since later ones are weighed against them.
 */
export const batchAnalyze = defineTask({
  name: 'filings.batchAnalyze',
  input: z.strictObject({ filings: z.array(analyzeInput).min(1).max(MAX_FILINGS) }),
  output: z.strictObject({
    total_filings: z.int(),
    results: z.array(z.strictObject({ ticker: z.string(), filing_year: z.int(), task_id: z.string() })),
  }),
  ...threeRetries,
  resultTtlMs: policy.resultTtlMs,
  async run({ input: { filings }, enqueue, progress }) {
    const total = filings.length;
    progress({ current: 0, total, message: 'Starting' });
    const placed = filings.map((filing, place) => ({ filing, step: nameStep(filing, place) }));
    const ids = new Map<string, string>();
    // One after the other: of tasks that were made in one statement any may be the first to run.
    for (const { filing, step } of placed.toSorted(byYear)) {
      const { id } = await enqueue(analyze, filing, { step });
      ids.set(step, id);
      progress({ current: ids.size, total, message: 'Starting the analyses' });
    }
    const results = placed.map(({ filing: { ticker, filing_year }, step }) => ({
      ticker,
      filing_year,
      task_id: ids.get(step) ?? '',
    }));
    return { total_filings: total, results };
  },
});

interface Filing {
  ticker: string;
  filing_year: number;
}

const byYear = (a: { filing: Filing }, b: { filing: Filing }): number =>
  a.filing.filing_year - b.filing.filing_year;

const nameStep = ({ ticker, filing_year }: Filing, place: number): string =>
  `${place} ${ticker} ${filing_year}`;

/** Which filing of its batch an analysis is for, by the step that its parent gave it. */
export function readStep(step: string): Filing & { place: number } {
  const [place = '', ticker = '', year = ''] = step.split(' ');
  return { place: Number(place), ticker, filing_year: Number(year) };
}
