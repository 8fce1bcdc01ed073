import type { DialectReply, Rendered } from 'lovage';
import { z } from 'zod';
import { readStep } from '../tasks/batch-analyze.ts';
import { errorText, statusSchema } from './answer.ts';

const state = statusSchema.shape.status;
const FINAL = new Set(['SUCCESS', 'FAILURE', 'REVOKED']);

const filing = z.object({ ticker: z.string(), filing_year: z.int(), task_id: z.uuid() });
export const batchStatusSchema = statusSchema.omit({ result: true }).extend({
  total_filings: z.int().nullable(),
  counts: z.record(state, z.int()),
  results: z.array(filing.extend({ status: state, result: z.json(), error: z.string().nullable() })),
  errors: z.array(filing.extend({ error: z.string() })),
});

/** A batch and its analyses as one: their states counted, their results and errors side by side, in the order of the request. */
export function showBatch(batch: Rendered, children: readonly Rendered[]): DialectReply {
  const analyses = children
    .map((child) => ({ ...readStep(child.task.parentStep ?? ''), child }))
    .sort((a, b) => a.place - b.place);
  const total = batch.task.progress?.total ?? (children.length || null);
  const finished = children.filter((child) => FINAL.has(child.state)).length;
  const results = analyses.map(({ ticker, filing_year, child }) => ({
    ticker,
    filing_year,
    task_id: child.task.id,
    status: child.state,
    result: child.task.result,
    error: errorText(child),
  }));
  return {
    status: 200,
    body: {
      task_id: batch.task.id,
      status: stateOf(batch, children),
      total_filings: total,
      counts: countStates(children),
      progress:
        total === null
          ? null
          : { current: finished, total, status: `${finished} of ${total} filings finished` },
      results,
      errors: results.flatMap(({ ticker, filing_year, task_id, status, error }) =>
        status === 'FAILURE' ? [{ ticker, filing_year, task_id, error: error ?? 'failed' }] : [],
      ),
      error: errorText(batch),
    },
  };
}

/** Until all analyses are started, and where that failed, the batch's own; then that of the worst of them. */
function stateOf(batch: Rendered, children: readonly Rendered[]): string {
  if (batch.task.state !== 'succeeded') return batch.state;
  if (children.some((child) => !FINAL.has(child.state))) return 'PROGRESS';
  const worst = ['FAILURE', 'REVOKED'].find((word) => children.some((child) => child.state === word));
  return worst ?? 'SUCCESS';
}

function countStates(children: readonly Rendered[]): Record<string, number> {
  const counts = Object.fromEntries(state.options.map((word) => [word, 0]));
  for (const child of children) counts[child.state] = (counts[child.state] ?? 0) + 1;
  return counts;
}
