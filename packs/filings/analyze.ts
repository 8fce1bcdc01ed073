import { createHash } from 'node:crypto';
import { defineTask, isTransient } from 'lovage';
import { z } from 'zod';
import { chooseRisks } from './analysis/choose-risks.ts';
import { chunkItem1A } from './analysis/chunk-item-1a.ts';
import { decodeFiling } from './analysis/decode-filing.ts';
import { describeRisk } from './analysis/describe-risk.ts';
import { extractItem1A } from './analysis/extract-item-1a.ts';
import { indexChunks } from './analysis/index-chunks.ts';
import { scoreChunks } from './analysis/score-chunks.ts';
import { categories } from './analysis/types.ts';
import { readSource } from './read-source.ts';
import { readMarketCap, readPriorChunks, storeIndex, storeRisks } from './store.ts';

const HOUR_MS = 60 * 60 * 1000;
const STEPS = 5;

export const analyzeInput = z
  .strictObject({
    ticker: z
      .string()
      .min(1)
      .max(20)
      .regex(/^[A-Z0-9.-]+$/, 'must be capital letters, digits, "." and "-"'),
    filing_year: z.int().min(1990).max(2030),
    html_content: z.string().min(1).optional(),
    html_path: z.string().min(1).max(1000).optional(),
    retrieve_top_k: z.int().min(1).max(50).default(10),
  })
  .refine((input) => (input.html_content === undefined) !== (input.html_path === undefined), {
    message: 'give exactly one of html_content and html_path',
    path: ['html_content'],
  });

const score = z.strictObject({ value: z.number().min(0).max(1), explanation: z.string() });

const analyzeOutput = z.strictObject({
  ticker: z.string(),
  filing_year: z.int(),
  risks: z.array(
    z.strictObject({
      text: z.string(),
      source_citation: z.string().max(500),
      severity: score,
      novelty: score,
      metadata: z.record(z.string(), z.json()),
      category: z.enum(categories),
      category_confidence: z.number(),
      classification_method: z.string(),
    }),
  ),
  metadata: z.strictObject({
    chunks_indexed: z.int(),
    risks_analyzed: z.int(),
    total_latency_ms: z.number(),
    index_latency_ms: z.number(),
    retrieve_top_k: z.int(),
    rerank: z.boolean(),
    item_1a_found: z.boolean(),
  }),
});

/** Finds the risk factors of a 10-K, and says of the gravest how grave and how new they are. */
export const analyze = defineTask({
  name: 'filings.analyze',
  input: analyzeInput,
  output: analyzeOutput,
  attempts: 4,
  backoff: { delaysMs: [60_000, 120_000, 240_000] },
  retryIf: isTransient,
  resultTtlMs: HOUR_MS,
  isolation: 'process',
  async run({ input, id, db, signal, progress }) {
    const key = { ticker: input.ticker, year: input.filing_year };
    const startedAt = performance.now();
    const step = (current: number, message: string) => {
      signal.throwIfAborted();
      progress({ current, total: STEPS, message });
    };
    step(0, 'Starting');
    const source = await readSource(input);
    const html = decodeFiling(source);

    step(1, 'Filing read');
    const item = extractItem1A(html);
    const chunks = chunkItem1A(item, key);

    step(2, 'Risk factors found and split');
    const indexedAt = performance.now();
    const index = indexChunks({ year: key.year, chunks, prior: await readPriorChunks(db, key) });
    const checksum = createHash('sha256').update(source).digest('hex');
    await storeIndex(
      db,
      key,
      { checksum, item1a: item.text, item1aFound: item.found, taskId: id },
      index.chunks,
    );
    const indexLatencyMs = Math.round(performance.now() - indexedAt);

    step(3, 'Chunks indexed');
    const scored = scoreChunks(index, await readMarketCap(db, key.ticker));

    step(4, 'Risks scored');
    const risks = chooseRisks(scored, input.retrieve_top_k).map((chunk) =>
      describeRisk(chunk, { ...key, item1AFound: item.found }),
    );
    await storeRisks(db, key, risks);

    step(STEPS, 'Done');
    return {
      ticker: key.ticker,
      filing_year: key.year,
      risks,
      metadata: {
        chunks_indexed: chunks.length,
        risks_analyzed: risks.length,
        total_latency_ms: Math.round(performance.now() - startedAt),
        index_latency_ms: indexLatencyMs,
        retrieve_top_k: input.retrieve_top_k,
        rerank: false,
        item_1a_found: item.found,
      },
    };
  },
});
