import { z } from 'zod';

export const ticker = z
  .string()
  .min(1)
  .max(20)
  .regex(/^[A-Z0-9.-]+$/, 'must be capital letters, digits, "." and "-"');

const fields = z.strictObject({
  ticker,
  filing_year: z.int().min(1990).max(2030),
  html_content: z.string().min(1).optional(),
  html_path: z.string().min(1).max(1000).optional(),
});

const hasOneSource = (input: { html_content?: string | undefined; html_path?: string | undefined }) =>
  (input.html_content === undefined) !== (input.html_path === undefined);
const oneSource = { message: 'give exactly one of html_content and html_path', path: ['html_content'] };

/** A 10-K: what it contains, or where it is below `FILINGS_DIR`. */
export const filingInput = fields.refine(hasOneSource, oneSource);

export const analyzeInput = fields
  .extend({ retrieve_top_k: z.int().min(1).max(50).default(10) })
  .refine(hasOneSource, oneSource);
