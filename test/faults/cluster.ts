import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findAccount } from '../../src/embedded-postgres/find-account.ts';
import { serverProcess } from '../../src/embedded-postgres/server-process.ts';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/index.ts';
import { until } from '../lab.ts';

/** A server of a test's own, to stop, start again and promote. */
export interface Server {
  url: string;
  port: number;
  start(settings?: Record<string, string>): Promise<void>;
  /** As `pg_ctl stop` does: fast, or at once, without a word to anybody. */
  stop(how: 'fast' | 'immediate'): Promise<void>;
  query<Row extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
}

export interface Servers extends AsyncDisposable {
  primary: Server;
  standby: Server;
}

/** Two copies of one fresh data folder, both stopped; the second one follows the first when it is started. */
export async function openServers(): Promise<Servers> {
  const folder = await mkdtemp(join(tmpdir(), 'lovage-servers-'));
  const made = await startEmbeddedPostgres({ dataDir: join(folder, 'first') });
  const [{ binaries } = { binaries: '' }] = await query<{ binaries: string }>(
    made.url,
    "SELECT setting AS binaries FROM pg_config WHERE name = 'BINDIR'",
  );
  const account = await findAccount(made.dataDir);
  await made.release();
  const copy = `${made.dataDir}-standby`;
  await cp(made.dataDir, copy, { recursive: true, preserveTimestamps: true });
  await writeFile(join(copy, 'standby.signal'), '');
  if (account) await ownAll(copy, account);
  const primary = defineServer({ cluster: made.dataDir, binaries, account, url: made.url });
  const standby = defineServer({ cluster: copy, binaries, account, url: made.url });
  return {
    primary,
    standby,
    async [Symbol.asyncDispose]() {
      await Promise.all([primary.stop('immediate'), standby.stop('immediate')]);
      await rm(copy, { recursive: true, force: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The settings with which a standby follows this server. */
export function following({ url }: Server): Record<string, string> {
  const { hostname, port, username, password } = new URL(url);
  return { primary_conninfo: `host=${hostname} port=${port} user=${username} password='${password}'` };
}

function defineServer(of: {
  cluster: string;
  binaries: string;
  account: Awaited<ReturnType<typeof findAccount>>;
  url: string;
}): Server {
  const { cluster, binaries, account } = of;
  const url = new URL(of.url);
  let running: { pid: number; ended: Promise<unknown> } | undefined;
  const isServing = async () => {
    const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
    const [pid, , , , , , , status] = text.split('\n').map((line) => line.trim());
    return Number(pid) === running?.pid && ['ready', 'standby'].includes(status ?? '');
  };
  return {
    get url() {
      return url.href;
    },
    get port() {
      return Number(url.port);
    },
    async start(settings = {}) {
      // The port it had before is the one that its clients know.
      if (!running && url.href === of.url) url.port = String(await freePort());
      const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', port: url.port, ...settings };
      const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      const child = spawn(join(binaries, 'postgres'), ['-D', cluster, ...flags], {
        ...serverProcess(join(binaries, '..'), account),
        stdio: 'ignore',
      });
      running = { pid: child.pid ?? 0, ended: once(child, 'exit') };
      await until(isServing);
    },
    async stop(how) {
      if (!running) return;
      process.kill(running.pid, how === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await running.ended;
      running = undefined;
    },
    query: (text, values) => query(url.href, text, values),
  };
}

async function query<Row extends object>(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(text, values)).rows as Row[];
  } finally {
    await client.end().catch(() => undefined);
  }
}

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function ownAll(folder: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  await chown(folder, uid, gid);
  for (const entry of await readdir(folder, { recursive: true })) await chown(join(folder, entry), uid, gid);
}

/** An address that leads to one server, and later to another. */
export interface Road extends AsyncDisposable {
  url: string;
  /** Cuts every connection; new ones go there, or nowhere. */
  leadTo(server: Target | undefined): void;
}

type Target = Pick<Server, 'url' | 'port'>;

export async function openRoad(to: Target): Promise<Road> {
  let target: Target | undefined = to;
  const sockets = new Set<net.Socket>();
  const road = net.createServer((near) => {
    if (!target) return void near.destroy();
    const far = net.connect(target.port, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  road.listen(0, '127.0.0.1');
  await once(road, 'listening');
  const url = new URL(to.url);
  url.port = String((road.address() as net.AddressInfo).port);
  const cut = () => sockets.forEach((socket) => socket.destroy());
  return {
    url: url.href,
    leadTo(server) {
      target = server;
      cut();
    },
    async [Symbol.asyncDispose]() {
      road.close();
      cut();
    },
  };
}
