import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKey } from '../keys/hash.ts';
import type { Settings } from '../settings/settings.ts';

/** The full-rights key: `LOVAGE_API_KEY`, else, on the embedded Postgres, one that is made once and kept. */
export async function readRootKey(settings: Settings, isEmbedded: boolean): Promise<string | undefined> {
  if (settings.apiKey !== undefined || !isEmbedded) return settings.apiKey;
  return readOrMake(settings.dataDir, 'api-key', generateKey);
}

/** What signs and encrypts: `LOVAGE_SECRET`, else, on the embedded Postgres, one that is made once and kept. */
export async function readSecret(settings: Settings, isEmbedded: boolean): Promise<string | undefined> {
  if (settings.secret !== undefined || !isEmbedded) return settings.secret;
  return readOrMake(settings.dataDir, 'secret', () => randomBytes(32).toString('base64url'));
}

/** Kept in the data folder, readable by its owner alone. */
async function readOrMake(dataDir: string, name: string, make: () => string): Promise<string> {
  const file = join(dataDir, name);
  await mkdir(dataDir, { recursive: true });
  try {
    // Exclusive: of two processes that start at once, one makes it and both use it.
    await writeFile(file, `${make()}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return (await readFile(file, 'utf8')).trim();
}
