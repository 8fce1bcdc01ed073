import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findPostmaster, isPostmasterOf } from './find-postmaster.ts';
import type { Keeper } from './keeper.ts';
import { withStartLock } from './start-lock.ts';

export interface ReleaseOptions {
  dataDir: string;
  cluster: string;
  binaries: string;
  keeper: Keeper;
  log: (line: string) => void;
}

const lockLimitMs = 5_000;
const stopLimitMs = 10_000;

/** Under the start lock, so that nobody joins a server that is about to stop. */
export async function releaseServer(options: ReleaseOptions): Promise<{ stopped: boolean }> {
  const { dataDir, keeper } = options;
  const limit = AbortSignal.timeout(lockLimitMs);
  try {
    return await withStartLock(dataDir, limit, async () => {
      const stopped = (await keeper.leave()) && (await stop(options));
      return { stopped };
    });
  } catch (error) {
    // Someone has been starting all this time, or the folder is gone: the server is not ours to stop.
    options.log(`left Postgres running: ${String(error)}`);
    return { stopped: false };
  } finally {
    await keeper.close();
  }
}

async function stop({ cluster, binaries, log }: ReleaseOptions): Promise<boolean> {
  const running = await findPostmaster(cluster);
  if (!running) return false;
  await askToStop(running.pid, { cluster, binaries });
  const until = Date.now() + stopLimitMs;
  while (await isPostmasterOf(cluster, running.pid)) {
    if (Date.now() > until) {
      log(`Postgres (pid ${running.pid}) is still stopping`);
      return false;
    }
    await pause(10);
  }
  log(`stopped Postgres, pid ${running.pid}`);
  return true;
}

async function askToStop(pid: number, { cluster, binaries }: { cluster: string; binaries: string }) {
  // Windows has no SIGINT for other processes; pg_ctl knows the server's own way there.
  if (process.platform !== 'win32') return process.kill(pid, 'SIGINT');
  await promisify(execFile)(join(binaries, 'bin', 'pg_ctl'), ['stop', '-m', 'fast', '-W', '-D', cluster]);
}
