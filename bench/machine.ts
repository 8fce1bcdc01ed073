import { cpus, loadavg, release, totalmem, type } from 'node:os';
import type { Client } from 'pg';
import { withClient } from './measure/postgres-server.ts';
import { figure, median } from './measure/statistics.ts';

const SETTINGS = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'wal_level',
  'shared_buffers',
  'max_wal_size',
  'max_connections',
  'jit',
];
const COMMITS = 50;

/** What the figures were measured on, line by line. */
export async function describeMachine(serverUrl: string, kind: string): Promise<Record<string, string>> {
  const [cpu] = cpus();
  return {
    CPU: `${cpu?.model.trim() ?? 'unknown'}, ${cpus().length} cores`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    'load before': loadavg()
      .map((load) => load.toFixed(2))
      .join(' '),
    system: `${type()} ${release()} ${process.arch}`,
    Node: process.version,
    ...(await withClient(serverUrl, (client) => describePostgres(client, kind))),
  };
}

async function describePostgres(client: Client, kind: string): Promise<Record<string, string>> {
  const { rows: versions } = await client.query<{ version: string }>(
    "SELECT current_setting('server_version') AS version",
  );
  const { rows: settings } = await client.query<{ name: string; value: string }>(
    `SELECT name, current_setting(name) AS value FROM pg_settings WHERE name = ANY ($1) ORDER BY array_position($1, name)`,
    [SETTINGS],
  );
  return {
    Postgres: `${versions[0]?.version} (${kind})`,
    settings: settings.map(({ name, value }) => `${name}=${value}`).join(' '),
    'one commit': `${figure(await commitMs(client))} ms (median of ${COMMITS} one-row inserts on one connection)`,
  };
}

/** What the disk makes every durable thing cost. */
async function commitMs(client: Client): Promise<number> {
  await client.query('DROP TABLE IF EXISTS lovage_bench_commit; CREATE TABLE lovage_bench_commit (n int)');
  const times: number[] = [];
  for (let n = 0; n < COMMITS; n += 1) {
    const startedAt = performance.now();
    await client.query('INSERT INTO lovage_bench_commit VALUES ($1)', [n]);
    times.push(performance.now() - startedAt);
  }
  await client.query('DROP TABLE lovage_bench_commit');
  return median(times);
}
