import { readFile, stat } from 'node:fs/promises';
import { IntegrationError } from '../analysis/integration-error.ts';
import { readEnvironment } from '../environment.ts';
import { locateFiling } from './locate-filing.ts';

/** The largest annual reports with all their exhibits are some 50 MB. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface Source {
  html_content?: string | undefined;
  html_path?: string | undefined;
}

/** A filing's HTML: as it was sent, or a file below `FILINGS_DIR`. */
export async function readSource({ html_content, html_path = '' }: Source): Promise<string | Uint8Array> {
  if (html_content !== undefined) return html_content;
  const { FILINGS_DIR: folder } = readEnvironment();
  if (folder === undefined) throw new IntegrationError(NEEDS_FOLDER);
  const file = await locateFiling(folder, html_path);
  if (file === null) throw new IntegrationError(noFiling(html_path));
  const { size } = await stat(file);
  if (size > MAX_BYTES) throw new IntegrationError(`the filing at "${html_path}" is over ${MAX_BYTES} bytes`);
  try {
    return await readFile(file);
  } catch (error) {
    throw new IntegrationError(noFiling(html_path), { cause: error });
  }
}

export const NEEDS_FOLDER = 'html_path needs FILINGS_DIR, the folder that filings are read from';
export const noFiling = (path: string): string => `no filing at "${path}"`;
