import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/index.ts';
import { BENCH_CONFIG, spawnLovage } from './lovage-process.ts';

export interface Database extends AsyncDisposable {
  url: string;
  name: string;
}

/** The one server of a run; what the bench makes on it goes with it. */
export interface PostgresServer extends AsyncDisposable {
  url: string;
  kind: string;
  /** A database of its own, migrated for the bench's configuration and just checkpointed. */
  clone(): Promise<Database>;
  /** Drops what was made here and stops what was started. Repeatable. */
  close(): Promise<void>;
}

export async function openPostgresServer(): Promise<PostgresServer> {
  await using stack = new AsyncDisposableStack();
  const given = process.env['DATABASE_URL'];
  const { url, kind } = given ? { url: given, kind: 'DATABASE_URL' } : await startEmbedded(stack);
  const template = await createDatabase(url, `lovage_bench_template_${process.pid}`);
  stack.use(template);
  await spawnLovage(['migrate'], { DATABASE_URL: template.url, LOVAGE_CONFIG: BENCH_CONFIG }).finished;

  let clones = 0;
  const ending = stack.move();
  return {
    url,
    kind,
    async clone() {
      const clone = await createDatabase(url, `lovage_bench_${process.pid}_${(clones += 1)}`, template.name);
      // Whoever asked for it drops it; what an interrupted run leaves goes at the end.
      ending.use(clone);
      return clone;
    },
    close: () => ending.disposeAsync(),
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  };
}

async function startEmbedded(stack: AsyncDisposableStack): Promise<{ url: string; kind: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lovage-bench-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  const server = await startEmbeddedPostgres({ dataDir });
  stack.defer(async () => void (await server.release()));
  return { url: server.url, kind: 'embedded, in a temporary folder' };
}

async function createDatabase(serverUrl: string, name: string, template?: string): Promise<Database> {
  await withClient(serverUrl, async (client) => {
    await client.query(`CREATE DATABASE ${name}${template ? ` TEMPLATE ${template}` : ''}`);
    // Nobody pays for what the one before wrote; without the right to ask for it, all are as badly off.
    await client.query('CHECKPOINT').catch(() => undefined);
  });
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    name,
    [Symbol.asyncDispose]: () =>
      withClient(serverUrl, async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      }),
  };
}

/** One connection for as long as `work` takes. */
export async function withClient<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url, application_name: 'lovage bench' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
