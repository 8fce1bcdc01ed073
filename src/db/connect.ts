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
  /** False: statements go whole each time, and none is left prepared under a name. */
  prepares?: boolean | undefined;
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
  if (options.prepares === false) pool.on('connect', dropNames);
  // An idle client that loses its server must not end the process; the next query gets a new one.
  pool.on('error', (error) => options.log.warn({ err: error }, 'an idle database connection was lost'));
  return { pool, db: drizzle(pool) };
}

/** Behind a pooler the next transaction may meet a backend on which the name means nothing, or is taken. */
function dropNames(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...given: unknown[]) => unknown;
  const unnamed = (first: unknown): unknown =>
    typeof first === 'object' && first !== null && 'name' in first ? { ...first, name: undefined } : first;
  Object.assign(client, { query: (first: unknown, ...rest: unknown[]) => query(unnamed(first), ...rest) });
}
