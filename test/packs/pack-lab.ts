import { loadConfig } from '../../src/load-config.ts';
import { createKey } from '../../src/keys/create.ts';
import { SCOPES, type Caller, type Scope } from '../../src/wire.ts';
import { openLab, until, type Lab, type LabProcess } from '../lab.ts';
import { Line } from '../line.ts';
import { kill, NODE_COMPILE_CACHE, startWorkerProcess, type WorkerProcess } from '../worker/processes.ts';

const ROOT_KEY = 'the-root-key-of-the-pack-lab';
const SECRET = 'the-secret-of-the-pack-lab-0123456789abcdef';
const CONFIG = new URL('../../lovage.config.ts', import.meta.url).pathname;
const OPERATOR: Caller = {
  actor: 'key:root',
  tenant: 'default',
  scopes: new Set(SCOPES),
  isOperator: true,
};

export interface PackLabOptions {
  /** The file of a configuration. Default: the house's own `lovage.config.ts`, with every pack. */
  config?: string;
  /** For server and worker alike: where services are, what packs are told. */
  env?: Record<string, string>;
  /** What the worker serves. Default: everything. */
  queues?: readonly string[];
}

/** Where a pack's dialect answers. */
export interface PackUrls {
  /** Under its prefix, such as `http://127.0.0.1:41000/cards`. */
  prefix: string;
  /** At the root of a port of its own. */
  own: string;
}

export interface PackCall {
  method?: string;
  /** A text, bytes or a form is sent as it is, all else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  /** Sent as `Authorization: Bearer`. Default: the key of all rights; null: none. */
  key?: string | null;
}

export interface PackAnswer<Body> {
  status: number;
  /** What the JSON holds; null where the answer is none. */
  body: Body;
  bytes: Buffer;
  headers: Headers;
}

/** A database, a server and a worker, as a client of a pack meets them. */
export interface PackLab extends AsyncDisposable {
  lab: Lab;
  /** Of all rights, for the tenant `default`. */
  key: string;
  keyFor(scopes: Scope[], tenant?: string): Promise<string>;
  url(pack: string): PackUrls;
  call<Body = unknown>(base: string, path: string, call?: PackCall): Promise<PackAnswer<Body>>;
  server: LabProcess;
  readonly worker: WorkerProcess;
  /** Kills the worker where it stands (`kill -9`) and starts another one. */
  restartWorker(): Promise<WorkerProcess>;
  /** From now on neither server nor worker reaches Postgres; the lab itself still does. */
  stopPostgres(): Promise<void>;
  startPostgres(): Promise<void>;
}

/**
 * For contract tests: a throw-away database, a real `lovage serve` with every pack under its prefix and at a port of its own,
 * and a real `lovage worker` beside it. It takes some four seconds: one a file, for many facts.
 *
 *     await using lab = await openPackLab({ env: { ANKI_CONNECT_URL: anki.url } });
 *     for (const base of Object.values(lab.url('cards'))) {
 *       const { status, body } = await lab.call<{ taskId: string }>(base, '/api/v1/clozeNotes', { method: 'POST', body: note });
 *       …
 *     }
 */
export async function openPackLab({
  config = CONFIG,
  env = {},
  queues,
}: PackLabOptions = {}): Promise<PackLab> {
  const { packs } = await loadConfig(config);
  const lab = await openLab();
  const line = new Line();
  const database = new URL(lab.url);
  await line.open(database);
  const ports = Object.fromEntries(packs.map(({ name }) => [portVariable(name), '0']));
  const shared = {
    DATABASE_URL: line.through(database),
    LOVAGE_CONFIG: config,
    LOVAGE_API_KEY: ROOT_KEY,
    LOVAGE_SECRET: SECRET,
    NODE_COMPILE_CACHE,
    ...env,
  };
  const startWorker = () =>
    startWorkerProcess(lab, queues ? ['--queues', queues.join(',')] : [], { LOVAGE_DIAG: '', ...shared });
  // The server first: it brings the database up to date.
  const server = await lab.spawn(['serve'], { LOVAGE_DIAG: '', ...ports, PORT: '0', ...shared });
  const dialects = await dialectsOf(server);
  let worker = await startWorker();

  return {
    lab,
    key: ROOT_KEY,
    server,
    call,
    keyFor: async (scopes, tenant = 'default') =>
      (await createKey(lab.lovage.pool, OPERATOR, { name: scopes.join('-') || 'none', scopes, tenant })).key,
    url(pack) {
      const [prefix, own] = dialects[pack] ?? [];
      if (prefix === undefined || own === undefined)
        throw new Error(`the pack "${pack}" has no dialect here`);
      return { prefix, own };
    },
    get worker() {
      return worker;
    },
    async restartWorker() {
      await kill(worker);
      worker = await startWorker();
      return worker;
    },
    stopPostgres: () => line.cut(),
    startPostgres: () => line.open(database),
    async [Symbol.asyncDispose]() {
      await lab[Symbol.asyncDispose]();
      await line.cut();
    },
  };
}

const portVariable = (pack: string): string => `LOVAGE_${pack.toUpperCase().replaceAll(/[^A-Z]/g, '_')}_PORT`;

/** Where each dialect answers, as the server says when it serves. */
async function dialectsOf(server: LabProcess): Promise<Record<string, string[]>> {
  const line = await until(
    () =>
      server
        .output()
        .split('\n')
        .find((text) => text.includes('"serving"')),
    (found) => found !== undefined || server.child.exitCode !== null,
    40_000,
  );
  if (line === undefined) throw new Error(`the server did not start:\n${server.output()}`);
  return (JSON.parse(line) as { dialects: Record<string, string[]> }).dialects;
}

async function call<Body>(
  base: string,
  path: string,
  { method, body, headers = {}, key = ROOT_KEY }: PackCall = {},
): Promise<PackAnswer<Body>> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array || body instanceof FormData;
  const response = await fetch(`${base}${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && !isRaw && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: isRaw ? (body as BodyInit) : JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
  const parsed = (isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : null) as Body;
  return { status: response.status, body: parsed, bytes, headers: response.headers };
}
