import { createProgressBar } from './progress-bar.ts';

type Totals = Record<string, number>;

/** Calls until all that matches was looked at, and adds up what the calls did; a terminal sees it grow. */
export async function sweep<Answer extends { nextCursor: string | null }>(
  verb: string,
  call: (cursor: string | undefined) => Promise<Answer>,
): Promise<Totals> {
  const bar = process.stderr.isTTY ? createProgressBar(process.stderr) : undefined;
  const totals: Totals = {};
  let cursor: string | undefined;
  do {
    const { nextCursor, ...counts } = await call(cursor);
    for (const [outcome, count] of Object.entries(counts))
      totals[outcome] = (totals[outcome] ?? 0) + Number(count);
    const done = Object.values(totals).reduce((sum, count) => sum + count, 0);
    bar?.show(verb, { current: done, total: null, message: null });
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
  bar?.end();
  return totals;
}

/** `3 queued, 1 skipped`. */
export const describeTotals = (totals: Totals): string =>
  Object.entries(totals)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
