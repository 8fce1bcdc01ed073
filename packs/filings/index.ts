import { definePack } from 'lovage';
import { dialect } from './dialect/index.ts';
import { environment } from './environment.ts';
import { analyze } from './tasks/analyze.ts';
import { batchAnalyze } from './tasks/batch-analyze.ts';
import { indexFiling } from './tasks/index-filing.ts';

/** Risk analysis of annual reports (Form 10-K). */
export const filings = definePack({
  name: 'filings',
  tasks: [analyze, indexFiling, batchAnalyze],
  dialect,
  environment,
  migrations: new URL('drizzle/', import.meta.url),
  example: { task: 'filings.analyze', input: new URL('samples/fictional-10k.json', import.meta.url) },
});
