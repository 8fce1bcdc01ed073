import { defineTask } from 'lovage';
import { chooseRisks } from '../analysis/choose-risks.ts';
import { describeRisk } from '../analysis/describe-risk.ts';
import { scoreChunks } from '../analysis/score-chunks.ts';
import { buildIndex } from '../indexing/build-index.ts';
import { readFiling } from '../source/read-filing.ts';
import { readMarketCap } from '../store/market-caps.ts';
import { storeFiling } from '../store/store-filing.ts';
import { analyzeOutput } from './analyze-output.ts';
import { analyzeInput } from './filing-input.ts';
import { policy } from './policy.ts';
import { reportSteps } from './report-steps.ts';

const STEPS = 5;

/** Finds the risk factors of a 10-K, and says of the gravest how grave and how new they are. */
export const analyze = defineTask({
  ...policy,
  name: 'filings.analyze',
  input: analyzeInput,
  output: analyzeOutput,
  async run(context) {
    const { input, id, tenant, db, onSettle } = context;
    const key = { tenant, ticker: input.ticker, year: input.filing_year };
    const startedAt = performance.now();
    const step = reportSteps(context, STEPS);

    step(0, 'Starting');
    const { checksum, item, chunks } = await readFiling(input, key, () => step(1, 'Filing read'));
    step(2, 'Risk factors found and split');
    const index = await buildIndex(context, key, chunks);
    step(3, 'Chunks indexed');
    const scored = scoreChunks(index, await readMarketCap(db, key));
    const risks = chooseRisks(scored, input.retrieve_top_k).map((chunk) =>
      describeRisk(chunk, { ...key, item1AFound: item.found }),
    );
    step(4, 'Risks scored');

    const stored = { key, taskId: id, checksum, item1a: item.text, item1aFound: item.found };
    onSettle((tx) => storeFiling(tx, { ...stored, chunks: index.chunks, embedded: index.embedded, risks }));
    step(STEPS, 'Done');
    return {
      ticker: input.ticker,
      filing_year: input.filing_year,
      risks,
      metadata: {
        chunks_indexed: chunks.length,
        risks_analyzed: risks.length,
        total_latency_ms: Math.round(performance.now() - startedAt),
        index_latency_ms: index.latencyMs,
        retrieve_top_k: input.retrieve_top_k,
        rerank: false,
        item_1a_found: item.found,
      },
    };
  },
});
