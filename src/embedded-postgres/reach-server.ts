import { setTimeout as pause } from 'node:timers/promises';
import { choosePort, isFree } from './choose-port.ts';
import { EmbeddedPostgresError } from './error.ts';
import { findPostmaster, isPostmasterOf, readPidFile } from './find-postmaster.ts';
import { launch } from './launch.ts';
import type { LaunchOptions } from './launch.ts';
import { openSession } from './open-session.ts';
import type { Session } from './open-session.ts';
import { logPath } from './read-log.ts';

export interface ReachOptions extends Omit<LaunchOptions, 'port'> {
  password: string;
  log: (line: string) => void;
}

export interface Server {
  session: Session;
  port: number;
  pid: number;
  adopted: boolean;
}

const orphansLimitMs = 5_000;

/** Joins the server that runs, waiting while it starts or stops; starts one where none runs. */
export async function reachServer(options: ReachOptions): Promise<Server> {
  const ours: { pid?: number } = {};
  try {
    return await reach(options, ours);
  } catch (error) {
    // One that we started and may not use would run on without a user.
    if (ours.pid && (await isPostmasterOf(options.cluster, ours.pid))) process.kill(ours.pid, 'SIGINT');
    throw error;
  }
}

async function reach(options: ReachOptions, ours: { pid?: number }): Promise<Server> {
  const { cluster, password, signal, log } = options;
  const orphansUntil = Date.now() + orphansLimitMs;
  for (;;) {
    signal.throwIfAborted();
    const running = await findPostmaster(cluster);
    if (!running) ours.pid = await tryLaunch(options, orphansUntil);
    const session = running?.isReady ? await openSession(running.port, password) : undefined;
    if (running && session) {
      const adopted = running.pid !== ours.pid;
      log(`${adopted ? 'joined the' : 'started'} Postgres on port ${running.port}, pid ${running.pid}`);
      return { session, port: running.port, pid: running.pid, adopted };
    }
    if (running) await pause(15, undefined, { signal });
  }
}

/** Undefined when it is worth another try; throws when it is not. */
async function tryLaunch(options: ReachOptions, orphansUntil: number): Promise<number | undefined> {
  const { cluster, dataDir, signal } = options;
  const port = await choosePort(cluster);
  const launched = await launch({ ...options, port });
  if (launched.pid !== undefined) return launched.pid;
  if (!(await isFree(port))) return undefined;
  // Another's server came first; or children of a killed one still hold its memory, and Postgres will
  // not start beside them.
  if ((await readPidFile(cluster)) && Date.now() < orphansUntil) {
    await pause(50, undefined, { signal });
    return undefined;
  }
  const message = `Postgres did not start (log: ${logPath(dataDir)}): ${launched.said}`;
  throw new EmbeddedPostgresError('start_failed', message);
}
