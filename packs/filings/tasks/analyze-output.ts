import { z } from 'zod';
import { categories } from '../analysis/types.ts';

const score = z.strictObject({ value: z.number().min(0).max(1), explanation: z.string() });

const risk = z.strictObject({
  text: z.string(),
  source_citation: z.string().max(500),
  severity: score,
  novelty: score,
  metadata: z.record(z.string(), z.json()),
  category: z.enum(categories),
  category_confidence: z.number(),
  classification_method: z.string(),
});

export const analyzeOutput = z.strictObject({
  ticker: z.string(),
  filing_year: z.int(),
  risks: z.array(risk),
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
