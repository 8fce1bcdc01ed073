import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Stage } from '../stage.ts';

const [FORMER, LATTER] = [2024, 2025];

export interface Risk {
  text: string;
  category: string;
  severity: { value: number };
  novelty: { value: number };
}

export interface FilingsShown {
  ticker: string;
  year: number;
  risks: Risk[];
}

/** Two real annual reports of one company: the first indexed, the second held against it, and both as a batch. */
export async function playFilings({ post, follow, keep }: Stage): Promise<FilingsShown> {
  const [former, latter] = await Promise.all([readFiling(FORMER), readFiling(LATTER)]);
  const index = await post<Accepted>('/filings/index', former);
  await follow(`filings: index ${FORMER}`, index.task_id);
  const analysis = await post<Accepted>('/filings/analyze', { ...latter, retrieve_top_k: 8 });
  const { result } = await follow(`filings: analyse ${LATTER}`, analysis.task_id);
  const batch = await post<Accepted>('/filings/analyze/batch', { filings: [former, latter] });
  const { result: started } = await follow('filings: both as a batch', batch.task_id);
  const { results } = started as { results: { filing_year: number; task_id: string }[] };
  await Promise.all(
    results.map(({ filing_year, task_id }) => follow(`filings: ${filing_year} of the batch`, task_id)),
  );
  await keep('filing-risks.json', Buffer.from(JSON.stringify(result, null, 2)));
  return { ticker: latter.ticker, year: LATTER, risks: (result as { risks: Risk[] }).risks };
}

interface Accepted {
  task_id: string;
}

/** As filed: Windows-1252. */
async function readFiling(year: number) {
  const file = new URL(`../../test/fixtures/filings/apple-10k-fy${year}.html.gz`, import.meta.url);
  const bytes = await promisify(gunzip)(await readFile(file));
  const html_content = new TextDecoder('windows-1252').decode(bytes);
  return { ticker: 'AAPL', filing_year: year, html_content };
}
