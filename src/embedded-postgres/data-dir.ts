import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf, EmbeddedPostgresError } from './error.ts';
import type { Account } from './find-account.ts';
import { allows, canReach, enter } from './permissions.ts';

// Not the temporary folder: a cluster must survive a reboot.
const systemShelf = '/var/lib/lovage';

export async function openDataDir(dataDir: string): Promise<string> {
  await mkdir(dirname(dataDir), { recursive: true });
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  return realpath(dataDir);
}

/** The real place of the cluster that the data folder has, if it has one. */
export async function locateCluster(dataDir: string): Promise<string | undefined> {
  const path = join(dataDir, 'postgres');
  try {
    await lstat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  return realpath(path).catch((cause: unknown) => {
    const message = `${path} points to a database that is gone; remove the link and postgres-password to start afresh`;
    throw new EmbeddedPostgresError('folder_unusable', message, { cause });
  });
}

/** Where things go that Postgres cannot reach in their own place. */
export function outsideShelf(dataDir: string, account: Account | undefined): string {
  return account ? systemShelf : dataDir;
}

/**
 * Lets the account through a data folder that is root's alone. Its group gets the right to enter and
 * nothing more, so that the server's user cannot swap the password, log or lock that root opens there.
 */
export async function lendFolder(dataDir: string, account: Account): Promise<void> {
  const stats = await stat(dataDir);
  if (allows(stats, account, enter) || stats.uid !== 0 || (stats.mode & 0o070) !== 0) return;
  if (!(await canReach(dirname(dataDir), account))) return;
  await chown(dataDir, 0, account.gid);
  await chmod(dataDir, (stats.mode & 0o7707) | 0o010);
}

/** A folder in which the account may keep the cluster, when it cannot reach the data folder. */
export async function makeOutsidePlace(dataDir: string, account: Account): Promise<string> {
  if ((await mkdir(systemShelf, { recursive: true })) !== undefined) await chmod(systemShelf, 0o755);
  const prefix = `${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}-`;
  const place =
    (await findEmptyPlace(prefix)) ?? join(systemShelf, `${prefix}${randomBytes(3).toString('hex')}`);
  await mkdir(place, { recursive: true, mode: 0o700 });
  await chown(place, 0, account.gid);
  await chmod(place, 0o710);
  return place;
}

/** What a killed starter left. Never one with a cluster: a data folder moved elsewhere may live in that. */
async function findEmptyPlace(prefix: string): Promise<string | undefined> {
  for (const name of await readdir(systemShelf)) {
    const place = join(systemShelf, name);
    if (name.startsWith(prefix) && !(await readdir(place)).includes('postgres')) return place;
  }
  return undefined;
}
