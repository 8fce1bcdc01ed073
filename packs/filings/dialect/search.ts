import { resource } from 'lovage';
import { z } from 'zod';
import { categories } from '../analysis/types.ts';
import { searchChunks } from '../store/search-chunks.ts';
import { ticker } from '../tasks/filing-input.ts';
import { refusals } from './answer.ts';

const found = z.object({
  chunk_id: z.string(),
  ticker: z.string(),
  filing_year: z.int(),
  category: z.enum(categories),
  text: z.string(),
  rank: z.number(),
});

export const searchRoute = resource({
  method: 'get',
  path: '/search',
  summary: 'Passages of indexed filings that hold these words',
  kind: 'resource',
  query: z.object({
    q: z.string().trim().min(1).max(500),
    ticker: ticker.optional(),
    limit: z.coerce.number().int().min(1).max(100).default(20),
  }),
  answers: { 200: z.object({ query: z.string(), results: z.array(found) }), ...refusals },
  async reply({ query: { q, ticker: company, limit }, tenant, db }) {
    const results = await searchChunks(db, { tenant, words: q, ticker: company, limit });
    return { status: 200, body: { query: q, results } };
  },
});
