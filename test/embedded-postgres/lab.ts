import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { copyUsedFolder } from './used-folder.ts';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/index.ts';
import type { EmbeddedPostgres, StartOptions } from '../../src/embedded-postgres/index.ts';

export const isRoot = process.getuid?.() === 0;
export const nobody = 65_534;

/** Folders, processes and servers of one test; all gone when it ends. */
export class Lab {
  readonly #folders = new Set<string>();
  readonly #children: ChildProcess[] = [];
  readonly #clusters = new Set<string>();

  folder(mode = 0o755): string {
    const folder = mkdtempSync(join(tmpdir(), 'lovage-embedded-'));
    chmodSync(folder, mode);
    this.#folders.add(folder);
    return folder;
  }

  /** Not there yet: the server of it starts cold. */
  newDataDir(): string {
    return join(this.folder(), 'data');
  }

  async usedDataDir(): Promise<string> {
    const dataDir = this.newDataDir();
    await copyUsedFolder(dataDir);
    return dataDir;
  }

  async start(dataDir: string, options: Partial<StartOptions> = {}): Promise<EmbeddedPostgres> {
    const server = await startEmbeddedPostgres({ dataDir, ...options });
    return this.#track(server);
  }

  /** Another process that holds the server of the folder. */
  async hold(dataDir: string, options: HoldOptions = {}): Promise<Holder> {
    const holder = this.spawn(
      'hold.ts',
      [dataDir, ...(options.binariesPackage ? [options.binariesPackage] : [])],
      options,
    );
    const server = this.#track((await holder.next()) as unknown as EmbeddedPostgres);
    return { ...holder, server };
  }

  spawn(script: string, args: string[], options: HoldOptions = {}): Running {
    const path = join(import.meta.dirname, 'fixtures', script);
    const child = spawn(process.execPath, [path, ...args], {
      cwd: '/',
      uid: options.uid,
      gid: options.uid,
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#children.push(child);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value ?? '{}') as Record<string, unknown>;
    const release = async () => {
      child.stdin.write('release\n');
      return next();
    };
    return { child, pid: child.pid as number, next, release };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) if (child.exitCode === null) child.kill('SIGKILL');
    for (const cluster of this.#clusters) {
      for (const pid of postmasters(cluster)) process.kill(pid, 'SIGQUIT');
      await until(() => postmasters(cluster).length === 0);
      if (cluster.startsWith('/var/lib/lovage/')) this.#folders.add(dirname(cluster));
    }
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  }

  #track<T extends EmbeddedPostgres>(server: T): T {
    this.#clusters.add(server.dataDir);
    return server;
  }
}

interface HoldOptions {
  uid?: number;
  binariesPackage?: string;
}

interface Running {
  child: ChildProcess;
  pid: number;
  next(): Promise<Record<string, unknown>>;
  release(): Promise<Record<string, unknown>>;
}

export interface Holder extends Running {
  server: EmbeddedPostgres;
}

export async function query<Row extends object>(server: { url: string }, sql: string): Promise<Row[]> {
  const client = new Client(server.url);
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

export async function until(claim: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await claim())) {
    if (Date.now() > deadline) throw new Error(`never came true: ${claim.toString()}`);
    await pause(10);
  }
}

/** Ids of the servers of a cluster, by their arguments; their children go by other names. */
export function postmasters(cluster: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => argumentsOf(pid).includes(`bin/postgres\0-D\0${cluster}\0`)).map(Number);
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

export async function kill(running: { child: ChildProcess }): Promise<void> {
  const exited = once(running.child, 'exit');
  running.child.kill('SIGKILL');
  await exited;
}
