import { findAccount } from './find-account.ts';
import { findBinaries } from './find-binaries.ts';
import { prepareBinaries } from './prepare-binaries.ts';
import { lendFolder, locateCluster, openDataDir, outsideShelf } from './data-dir.ts';
import { explainFailure } from './explain-failure.ts';
import { initCluster } from './init-cluster.ts';
import { Keeper } from './keeper.ts';
import { readPassword } from './read-password.ts';
import { reachServer } from './reach-server.ts';
import { releaseServer } from './release-server.ts';
import { withStartLock } from './start-lock.ts';
import { openSession } from './open-session.ts';
import { findPostmaster, readPidFile } from './find-postmaster.ts';

export interface StartOptions {
  /** Lovage's data folder; made when missing. */
  dataDir: string;
  log?: (line: string) => void;
  /** Name or absolute folder of the package with the binaries; default: the one of this platform. */
  binariesPackage?: string;
  signal?: AbortSignal;
}

export interface EmbeddedPostgres {
  url: string;
  port: number;
  pid: number;
  /** Where the cluster really is: outside the data folder where Postgres could not reach that. */
  dataDir: string;
  /** True when it was already running. */
  adopted: boolean;
  /** Lets go of it; stops the server in order when nobody else uses it. Idempotent. */
  release(): Promise<{ stopped: boolean }>;
}

const startLimitMs = 20_000;

/**
 * Starts the Postgres of a data folder, or joins the one that runs there already. The server outlives
 * this process until the last of its users releases it; whoever dies without release counts no longer.
 */
export async function startEmbeddedPostgres(options: StartOptions): Promise<EmbeddedPostgres> {
  const limit = AbortSignal.timeout(startLimitMs);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  try {
    const dataDir = await openDataDir(options.dataDir);
    return await withStartLock(dataDir, signal, () => start({ ...options, dataDir, signal }));
  } catch (error) {
    throw await explainFailure(error, { dataDir: options.dataDir, limit, limitMs: startLimitMs });
  }
}

async function start(options: StartOptions & { signal: AbortSignal }): Promise<EmbeddedPostgres> {
  const { dataDir, signal, log = () => {} } = options;
  const existing = await locateCluster(dataDir);
  const account = await findAccount(existing);
  const password = await readPassword(dataDir, existing !== undefined);
  const binaries = await prepareBinaries(await findBinaries(options.binariesPackage), {
    account,
    shelf: outsideShelf(dataDir, account),
  });
  if (account) await lendFolder(dataDir, account);
  const cluster = existing ?? (await initCluster({ dataDir, account, binaries, password, signal, log }));

  const server = await reachServer({ dataDir, cluster, account, binaries, password, signal, log });
  const keeper = new Keeper(server.session, async ({ mayStart }) => {
    const joined = await rejoin(cluster, password);
    if (joined || !mayStart || (await findPostmaster(cluster))) return joined;
    // Stopped in order it takes its pid file along, and whoever did that meant it. What is left behind says: it crashed.
    if (!(await readPidFile(cluster))) return undefined;
    const limit = AbortSignal.timeout(startLimitMs);
    const again = { dataDir, cluster, account, binaries, password, signal: limit, log };
    return (await withStartLock(dataDir, limit, () => reachServer(again))).session;
  });
  let released: Promise<{ stopped: boolean }> | undefined;
  return {
    url: `postgres://lovage:${password}@127.0.0.1:${server.port}/lovage`,
    port: server.port,
    pid: server.pid,
    dataDir: cluster,
    adopted: server.adopted,
    release: () => (released ??= releaseServer({ dataDir, cluster, binaries, keeper, log })),
  };
}

/** The server may have been started again elsewhere, and thus on another port. */
async function rejoin(cluster: string, password: string) {
  const running = await findPostmaster(cluster);
  return running?.isReady ? openSession(running.port, password) : undefined;
}
