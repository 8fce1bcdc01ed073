import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Account } from './find-account.ts';
import { findPostmaster, readPidFile } from './find-postmaster.ts';
import { openLog, readLog } from './read-log.ts';
import { serverProcess } from './server-process.ts';

export interface LaunchOptions {
  dataDir: string;
  cluster: string;
  account: Account | undefined;
  binaries: string;
  port: number;
  signal: AbortSignal;
}

export type Launched = { pid: number } | { pid?: undefined; said: string };

/** Starts a server that outlives us, and waits until it serves or has given up. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { cluster, signal } = options;
  const { file, start } = await openLog(options.dataDir);
  const child = spawn(join(options.binaries, 'bin', 'postgres'), flags(options), {
    ...(await environment(options)),
    // A group of its own: Ctrl-C must reach our drain and not the database under it.
    detached: true,
    stdio: ['ignore', file.fd, file.fd],
  });
  child.unref();
  let failure: Error | undefined;
  const ended = once(child, 'exit').catch((error: Error) => (failure = error));
  await file.close();

  try {
    while (!(await isServing(cluster, child.pid))) {
      const over = await Promise.race([ended, pause(10, undefined, { signal })]);
      if (over !== undefined) return { said: failure?.message ?? (await readLog(options.dataDir, start)) };
    }
  } catch (error) {
    // Nobody uses it yet. Not at our own time limit: recovery that is cut short starts all over.
    if (!isTimeout(signal)) child.kill('SIGINT');
    throw error;
  }
  return { pid: child.pid as number };
}

function flags({ cluster, port }: LaunchOptions): string[] {
  // Thousands of rows die a second in a queue's table: within a minute, the default, it would grow beyond what it ever needs again.
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'autovacuum_naptime=15s'];
  return ['-D', cluster, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
}

/**
 * Postgres takes any living process under the pid of a leftover postmaster.pid for a server, unless it
 * is its own grandparent. Saying so keeps its other check, for orphans that still use the memory.
 */
async function environment({ cluster, account, binaries }: LaunchOptions) {
  const process = serverProcess(binaries, account);
  const leftover = await readPidFile(cluster);
  if (leftover) process.env.PG_GRANDPARENT_PID = String(leftover.pid);
  return process;
}

async function isServing(cluster: string, pid: number | undefined): Promise<boolean> {
  const running = await findPostmaster(cluster);
  return running !== undefined && running.pid === pid && running.isReady;
}

function isTimeout(signal: AbortSignal): boolean {
  return signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
}
