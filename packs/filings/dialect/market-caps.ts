import { resource, type DialectReply } from 'lovage';
import { z } from 'zod';
import { readMarketCap, storeMarketCap } from '../store/market-caps.ts';
import { ticker as tickerSchema } from '../tasks/filing-input.ts';
import { errorSchema, refusals } from './answer.ts';
import { detail, invalid } from './errors.ts';

/** Dollars; above what all companies of the world are worth together it is a slip. */
const value = z.number().positive().max(1e15);
const marketCapSchema = z.object({ ticker: z.string(), value });

export const marketCapRoutes = [
  resource({
    method: 'put',
    path: '/market-caps/{ticker}',
    summary: 'Enter what a company is worth: severity weighs its risks’ amounts against it',
    kind: 'resource',
    scope: 'admin',
    body: z.strictObject({ value }),
    answers: { 200: marketCapSchema, 403: errorSchema, ...refusals },
    async reply({ params, body, tenant, db }) {
      const ticker = params['ticker'] ?? '';
      const fault = refuseTicker(ticker);
      if (fault) return fault;
      await storeMarketCap(db, { tenant, ticker }, body.value);
      return { status: 200, body: { ticker, value: body.value } };
    },
  }),
  resource({
    method: 'get',
    path: '/market-caps/{ticker}',
    summary: 'What a company is worth, as it was entered',
    kind: 'resource',
    answers: { 200: marketCapSchema, 404: errorSchema, ...refusals },
    async reply({ params, tenant, db }) {
      const ticker = params['ticker'] ?? '';
      const fault = refuseTicker(ticker);
      if (fault) return fault;
      const known = await readMarketCap(db, { tenant, ticker });
      if (known === null) return detail(404, `no market capitalisation of ${ticker} was entered`);
      return { status: 200, body: { ticker, value: known } };
    },
  }),
];

function refuseTicker(given: string): DialectReply | null {
  const { error } = tickerSchema.safeParse(given);
  return error ? invalid('path', 'ticker', error.issues[0]?.message ?? 'is no ticker') : null;
}
