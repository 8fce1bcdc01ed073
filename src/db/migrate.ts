import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as runMigrations } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { SetupError } from '../errors.ts';

/** A folder of Drizzle migrations and the table of their own in which they are counted. */
export interface MigrationSet {
  folder: URL;
  table: string;
}

export const CORE_MIGRATIONS: MigrationSet = {
  folder: new URL('../../drizzle/', import.meta.url),
  table: 'lovage',
};
const SCHEMA_LOCK = 0x10_7a_9e;
const OLDEST_SUPPORTED = 14;

/**
 * Runs `work` on one connection under the migration lock, so that any number of processes may start at once.
 * @throws SetupError when the server is older than Postgres 14.
 */
export async function underMigrationLock(
  url: string,
  work: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'lovage migrate',
    connectionTimeoutMillis: 5_000,
  });
  await client.connect();
  try {
    await refuseOldServer(client);
    await client.query('SELECT pg_advisory_lock($1)', [SCHEMA_LOCK]);
    await work(client);
  } finally {
    // Ending the session frees its advisory lock, also after an error half-way.
    await client.end();
  }
}

/** Applies what of a folder has not been applied yet. The caller holds the migration lock. */
export async function applyMigrations(client: pg.Client, { folder, table }: MigrationSet): Promise<void> {
  await runMigrations(drizzle(client), {
    migrationsFolder: fileURLToPath(folder),
    migrationsSchema: 'lovage_migrations',
    migrationsTable: table,
  });
}

async function refuseOldServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: string; name: string }>(
    "SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS name",
  );
  const [server] = rows;
  if (server && Number(server.number) < OLDEST_SUPPORTED * 10_000) {
    throw new SetupError(`Postgres ${server.name} is too old: Lovage needs ${OLDEST_SUPPORTED} or newer`);
  }
}
