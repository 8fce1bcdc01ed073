import type { DialectReply } from 'lovage';
import { readEnvironment } from '../environment.ts';
import { locateFiling } from '../source/locate-filing.ts';
import { NEEDS_FOLDER, noFiling, type Source } from '../source/read-source.ts';
import { detail } from './errors.ts';

/** 404 for the first file that is not there, before a task is made of it. */
export async function refuseMissing(filings: readonly Source[]): Promise<DialectReply | null> {
  const paths = filings.flatMap(({ html_path }) => html_path ?? []);
  if (paths.length === 0) return null;
  const { FILINGS_DIR: folder } = readEnvironment();
  if (folder === undefined) return detail(400, NEEDS_FOLDER);
  for (const path of paths)
    if ((await locateFiling(folder, path)) === null) return detail(404, noFiling(path));
  return null;
}
