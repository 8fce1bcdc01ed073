import { sql, type SQL } from 'drizzle-orm';
import { afterAll, beforeEach, inject } from 'vitest';
import { defineConfig } from 'lovage';
import { filings } from '../../../packs/filings/index.ts';
import { openTestLovage, type TestLovage } from '../../../src/testing/index.ts';
import { cyberRisk, lawsuitRisk, makeFiling, staffRisk, supplyRisk } from '../filings-analysis/filing.ts';

const heading = '<p><b>Item 1A. Risk Factors</b></p>';
const factors = [supplyRisk, lawsuitRisk, cyberRisk, staffRisk].map(
  (risk) => `<p><b>${risk.slice(0, risk.indexOf('. ') + 1)}</b></p><p>${risk}</p>`,
);
export const html = makeFiling({ heading, body: factors.slice(0, 3).join('') });
/** With a fourth risk factor, about key personnel. */
export const longer = makeFiling({ heading, body: factors.join('') });
export const withoutRisks = makeFiling({ heading, body: '<p>Not applicable.</p>' });
export const acme = (filing_year: number, html_content = html) => ({
  ticker: 'ACME',
  filing_year,
  html_content,
});

/** One worker for all tests of the file that calls it; each begins with empty tables. */
export function openFilings() {
  let lovage: TestLovage | undefined;
  const opened = (): TestLovage => {
    if (!lovage) throw new Error('only inside of tests');
    return lovage;
  };
  beforeEach(async () => {
    lovage ??= await openTestLovage(defineConfig({ packs: [filings] }), {
      serverUrl: inject('serverUrl'),
    });
    await lovage.db.execute(sql`TRUNCATE pack_filings.filing, pack_filings.chunk, pack_filings.market_cap`);
  });
  afterAll(async () => lovage?.[Symbol.asyncDispose]());
  return { lovage: opened, rows: async (query: SQL) => (await opened().db.execute(query)).rows };
}
