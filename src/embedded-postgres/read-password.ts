import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, EmbeddedPostgresError } from './error.ts';

/** Made once. Call it under the start lock. */
export async function readPassword(dataDir: string, hasCluster: boolean): Promise<string> {
  const path = join(dataDir, 'postgres-password');
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  if (hasCluster) {
    const message = `${path} is missing, and the database beside it opens with nothing else: put it back, or remove the folder postgres too to start afresh`;
    throw new EmbeddedPostgresError('password_lost', message);
  }
  const password = randomBytes(24).toString('base64url');
  // Whole or not at all: half a password would lock the cluster for good.
  await writeFile(`${path}.new`, `${password}\n`, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
  return password;
}
