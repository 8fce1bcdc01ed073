import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKey } from '../keys/hash.ts';
import type { Settings } from '../settings.ts';

/**
 * The full-rights key: `LOVAGE_API_KEY`, else, on the embedded Postgres, one that is made once and kept in
 * the data folder, readable by its owner alone.
 */
export async function readRootKey(settings: Settings, isEmbedded: boolean): Promise<string | undefined> {
  if (settings.apiKey !== undefined || !isEmbedded) return settings.apiKey;
  const file = join(settings.dataDir, 'api-key');
  await mkdir(settings.dataDir, { recursive: true });
  try {
    // Exclusive: of two processes that start at once, one makes the key and both use it.
    await writeFile(file, `${generateKey()}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return (await readFile(file, 'utf8')).trim();
}
