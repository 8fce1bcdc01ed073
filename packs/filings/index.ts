import { definePack } from 'lovage';
import { analyze } from './analyze.ts';
import { dialect } from './dialect.ts';

/** Risk analysis of annual reports (Form 10-K). */
export const filings = definePack({
  name: 'filings',
  tasks: [analyze],
  dialect,
  migrations: new URL('drizzle/', import.meta.url),
  example: { task: 'filings.analyze', input: new URL('samples/fictional-10k.json', import.meta.url) },
});
