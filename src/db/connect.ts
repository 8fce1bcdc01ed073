import pg from 'pg';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Log } from '../log.ts';

/** A pool or one of its clients: what a query runs on, so that the caller chooses the transaction. */
export type Executor = Pick<pg.ClientBase, 'query'>;

export interface Connection {
  pool: pg.Pool;
  db: NodePgDatabase;
}

/**
 * Opens a pool that never waits long: whoever needs Postgres learns within seconds that it is away.
 * A statement whose answer does not come within `queryTimeoutMs` fails, and its connection is given up.
 */
export function connect(options: {
  url: string;
  log: Log;
  max?: number;
  queryTimeoutMs?: number;
  /** Postgres breaks a statement off after so long: one that nobody waits for any more must not wait for a lock. */
  statementTimeoutMs?: number;
  applicationName?: string;
}): Connection {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max ?? 10,
    // One stays open: after a silence the next caller should not wait for a handshake.
    min: 1,
    application_name: options.applicationName ?? 'lovage',
    connectionTimeoutMillis: 3_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...(options.queryTimeoutMs ? { query_timeout: options.queryTimeoutMs } : {}),
    ...(options.statementTimeoutMs ? { statement_timeout: options.statementTimeoutMs } : {}),
  });
  // An idle client that loses its server must not end the process; the next query gets a new one.
  pool.on('error', (error) => options.log.warn({ err: error }, 'an idle database connection was lost'));
  return { pool, db: drizzle(pool) };
}
