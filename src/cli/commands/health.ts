import { hostname } from 'node:os';
import pg from 'pg';
import { isPostgresAway } from '../../db/failures.ts';
import { readSettings, type Settings } from '../../settings/settings.ts';
import { defineCommand } from '../command.ts';
import { openDatabase } from '../database.ts';
import { flag } from '../options.ts';

const ANSWER_MS = 4_000;

export const health = defineCommand({
  name: 'health',
  summary: 'Whether the API, or a worker of this machine, is up: exit code 0 or 1',
  options: {
    worker: flag('ask for a live worker of this host, by its heartbeat (default: the API’s /readyz)'),
  },
  examples: ['health', 'health --worker'],
  async run({ worker }) {
    const settings = readSettings();
    const fault = worker ? await findWorkerFault(settings) : await findApiFault(settings);
    console.log(fault ?? 'up');
    return fault === undefined ? 0 : 1;
  },
});

async function findApiFault({ host, port }: Settings): Promise<string | undefined> {
  // What listens on every address is asked on this machine's own.
  const own = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  try {
    const { status } = await fetch(`http://${own}:${port}/readyz`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return status === 200 ? undefined : `/readyz answers ${status}`;
  } catch {
    return `nothing answers on ${own}:${port}`;
  }
}

async function findWorkerFault(settings: Settings): Promise<string | undefined> {
  const database = await openDatabase(settings);
  const client = new pg.Client({
    connectionString: database.url,
    application_name: 'lovage health',
    connectionTimeoutMillis: ANSWER_MS,
    query_timeout: ANSWER_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query(
      `SELECT FROM lovage.worker WHERE host = $1 AND stopped_at IS NULL AND lost_at IS NULL
       AND heartbeat_at > now() - interval '15 s' LIMIT 1`,
      [hostname()],
    );
    return rows.length > 0 ? undefined : `no live worker on ${hostname()}`;
  } catch (error) {
    if (isPostgresAway(error)) return 'Postgres cannot be reached';
    throw error;
  } finally {
    client.end().catch(() => undefined);
    await database.release();
  }
}
