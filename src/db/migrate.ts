import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import pg from 'pg';
import { SetupError } from '../errors.ts';
import { isLockBusy } from './failures.ts';
import { isPooled } from './pooler.ts';

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
/** So long others wait behind a migration that waits. */
const LOCK_MS = 1_000;
const PASS_MS = 500;
const LOCK_TRIES = 40;
const RETRY_MS = 200;

/**
 * Runs `work` on one connection under the migration lock, so that any number of processes may start at once.
 * @throws SetupError when the server is older than Postgres 14.
 */
export async function underMigrationLock(
  url: string,
  work: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = await open(url);
  // Behind a pooler a session's lock would stay with a backend that others get: there a transaction beside holds it.
  let holder: pg.Client | undefined;
  try {
    await refuseOldServer(client);
    if (await isPooled(client)) await lockByTransaction((holder = await open(url)));
    else await client.query('SELECT pg_advisory_lock($1)', [SCHEMA_LOCK]);
    await work(client);
  } finally {
    // Ending the session frees its advisory lock, also after an error half-way.
    await Promise.all([client.end(), holder?.end()]);
  }
}

async function open(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString,
    application_name: 'lovage migrate',
    connectionTimeoutMillis: 5_000,
  });
  await client.connect();
  return client;
}

/** Whoever waits gives his backend back between two tries: many starters must not hold all that the pooler has. */
async function lockByTransaction(holder: pg.Client): Promise<void> {
  for (;;) {
    await holder.query('BEGIN');
    const { rows } = await holder.query<{ is_held: boolean }>(
      'SELECT pg_try_advisory_xact_lock($1) AS is_held',
      [SCHEMA_LOCK],
    );
    if (rows[0]?.is_held) return;
    await holder.query('ROLLBACK');
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/**
 * Applies what of a folder has not been applied yet, all of it or nothing; of a database that is newer nothing is changed. The
 * caller holds the migration lock. Whoever wants a lock that another one holds stands in the way of all who come after: it
 * waits briefly, lets them pass, and tries again. @throws SetupError that names who holds it.
 */
export async function applyMigrations(client: pg.Client, set: MigrationSet): Promise<void> {
  for (let left = LOCK_TRIES; ; left -= 1) {
    try {
      await client.query('BEGIN');
      await applyMissing(client, set);
      await client.query('COMMIT');
      return;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      if (!isLockBusy(error)) throw error;
      if (left <= 1) throw await namingHolders(client, error);
      await after(PASS_MS);
    }
  }
}

/**
 * Counted where and how Drizzle does. Its own migrator has no place for a setting that ends with the transaction, and one of a
 * session stays behind a pooler with a backend that others get.
 */
async function applyMissing(client: pg.Client, { folder, table }: MigrationSet): Promise<void> {
  const counted = `lovage_migrations.${pg.escapeIdentifier(table)}`;
  await client.query(`SET LOCAL lock_timeout = ${LOCK_MS}`);
  await client.query('CREATE SCHEMA IF NOT EXISTS lovage_migrations');
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${counted} (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
  );
  const { rows } = await client.query<{ newest: string | null }>(
    `SELECT max(created_at) AS newest FROM ${counted}`,
  );
  const newest = Number(rows[0]?.newest ?? -1);
  const migrations = readMigrationFiles({ migrationsFolder: fileURLToPath(folder) });
  for (const { folderMillis, hash, sql } of migrations.filter(
    (migration) => migration.folderMillis > newest,
  )) {
    for (const statement of sql) await client.query(statement);
    await client.query(`INSERT INTO ${counted} (hash, created_at) VALUES ($1, $2)`, [hash, folderMillis]);
  }
}

/** Who has had a transaction open for longest: one of them holds it. */
async function namingHolders(client: pg.Client, cause: unknown): Promise<SetupError> {
  const { rows } = await client.query<{ who: string }>(
    `SELECT format('pid %s of %s (%s) since %s', pid, usename, coalesce(nullif(application_name, ''), 'no name'), xact_start) AS who
     FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < now() - interval '1 s'
     ORDER BY xact_start LIMIT 3`,
  );
  const who = rows.map((row) => row.who).join('; ') || 'nobody who is still there';
  return new SetupError(
    `the migration waited ${(LOCK_TRIES * (LOCK_MS + PASS_MS)) / 1000} s for a table that an open transaction holds: ${who}`,
    { cause },
  );
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
