import { defineTask } from 'lovage';
import { z } from 'zod';
import { buildIndex } from '../indexing/build-index.ts';
import { readFiling } from '../source/read-filing.ts';
import { storeFiling } from '../store/store-filing.ts';
import { filingInput } from './filing-input.ts';
import { policy } from './policy.ts';
import { reportSteps } from './report-steps.ts';

const STEPS = 4;

/** Puts a 10-K into the index without weighing its risks: later years are compared with it. */
export const indexFiling = defineTask({
  ...policy,
  name: 'filings.index',
  input: filingInput,
  output: z.strictObject({
    ticker: z.string(),
    filing_year: z.int(),
    metadata: z.strictObject({
      /** What was indexed: Item 1A, or the whole document where it has none. */
      item_type: z.enum(['1A', 'full_document']),
      chunks_indexed: z.int(),
      embedding_latency_ms: z.number(),
      status: z.enum(['indexed', 'empty']),
    }),
  }),
  async run(context) {
    const { input, id, tenant, onSettle } = context;
    const key = { tenant, ticker: input.ticker, year: input.filing_year };
    const step = reportSteps(context, STEPS);

    step(0, 'Starting');
    const { checksum, item, chunks } = await readFiling(input, key, () => step(1, 'Filing read'));
    step(2, 'Risk factors found and split');
    const index = await buildIndex(context, key, chunks);
    step(3, 'Chunks indexed');

    const stored = { key, taskId: id, checksum, item1a: item.text, item1aFound: item.found };
    const { embedded } = index;
    onSettle((tx) => storeFiling(tx, { ...stored, chunks: index.chunks, embedded, risks: null }));
    step(STEPS, 'Done');
    return {
      ticker: input.ticker,
      filing_year: input.filing_year,
      metadata: {
        item_type: item.found ? ('1A' as const) : ('full_document' as const),
        chunks_indexed: chunks.length,
        embedding_latency_ms: index.latencyMs,
        status: chunks.length > 0 ? ('indexed' as const) : ('empty' as const),
      },
    };
  },
});
