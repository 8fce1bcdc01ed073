import { execFile } from 'node:child_process';
import { appendFile, chown, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeOutsidePlace } from './data-dir.ts';
import { EmbeddedPostgresError } from './error.ts';
import type { Account } from './find-account.ts';
import { canReach } from './permissions.ts';
import { lastLines, logPath } from './read-log.ts';
import { serverProcess } from './server-process.ts';

export interface InitOptions {
  dataDir: string;
  account: Account | undefined;
  binaries: string;
  password: string;
  signal: AbortSignal;
  log: (line: string) => void;
}

/** Makes the cluster and answers where it really is. A cluster appears whole, by rename, or not at all. */
export async function initCluster(options: InitOptions): Promise<string> {
  const { dataDir, account, log } = options;
  const isOutside = account !== undefined && !(await canReach(dataDir, account));
  const place = isOutside ? await makeOutsidePlace(dataDir, account) : dataDir;
  const workshop = await mkdtemp(join(place, 'postgres-new-'));
  const cluster = join(place, 'postgres');
  try {
    log(`making a new database in ${cluster}`);
    const made = await runInitdb(workshop, options);
    await rename(made, cluster);
  } finally {
    await clearWorkshops(place);
  }
  if (isOutside) await symlink(cluster, join(dataDir, 'postgres'));
  return cluster;
}

/** Ours, and what killed starters left; an initdb that outlived its starter may still write there. */
async function clearWorkshops(place: string): Promise<void> {
  for (const name of await readdir(place)) {
    if (!name.startsWith('postgres-new-')) continue;
    await rm(join(place, name), { recursive: true, force: true, maxRetries: 5 }).catch(() => {});
  }
}

async function runInitdb(workshop: string, options: InitOptions): Promise<string> {
  const { account, binaries, password, signal, dataDir } = options;
  const cluster = join(workshop, 'cluster');
  const passwordFile = join(workshop, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account) for (const path of [workshop, passwordFile]) await chown(path, account.uid, account.gid);
  const flags = [
    ['-D', cluster, '-U', 'lovage', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
    ['--encoding=UTF8', '--locale=C', '--data-checksums'],
  ].flat();
  try {
    const spawning = { ...serverProcess(binaries, account), signal };
    await promisify(execFile)(join(binaries, 'bin', 'initdb'), flags, spawning);
  } catch (error) {
    if (signal.aborted) throw error;
    throw await initdbFailed(error, dataDir);
  }
  await appendFile(join(cluster, 'postgresql.conf'), '\nmax_connections = 200\n');
  return cluster;
}

async function initdbFailed(cause: unknown, dataDir: string): Promise<EmbeddedPostgresError> {
  const stderr = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : '';
  const said = stderr.trim() || (cause instanceof Error ? cause.message : String(cause));
  await appendFile(logPath(dataDir), `${said}\n`, { mode: 0o600 });
  const message = `initdb failed (log: ${logPath(dataDir)}): ${lastLines(said)}`;
  return new EmbeddedPostgresError('initdb_failed', message, { cause });
}
