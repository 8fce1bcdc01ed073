import { readFile, realpath } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { IntegrationError } from './analysis/integrity-error.ts';

/** A filing's HTML: as it was sent, or a file below `FILINGS_DIR`, which no path or link may leave. */
export async function readSource(input: {
  html_content?: string | undefined;
  html_path?: string | undefined;
}): Promise<string | Uint8Array> {
  if (input.html_content !== undefined) return input.html_content;
  const folder = process.env['FILINGS_DIR'];
  if (!folder)
    throw new IntegrationError('html_path needs FILINGS_DIR, the folder that filings are read from');
  const missing = new IntegrationError(`no filing at "${input.html_path}"`);
  try {
    const root = await realpath(folder);
    const file = await realpath(resolve(root, input.html_path ?? ''));
    if (relative(root, file).startsWith('..')) throw missing;
    return await readFile(file);
  } catch (error) {
    if (error === missing) throw error;
    throw new IntegrationError(missing.message, { cause: error });
  }
}
