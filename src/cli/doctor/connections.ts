import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { isPooled } from '../../db/pooler.ts';
import type { Database } from '../database.ts';
import type { Finding } from './finding.ts';

const HEARD_WITHIN_MS = 2_000;
const CONNECT_MS = 3_000;
/** A thread’s lock is taken and looked for under a number that no lease has: those are random. */
const PROBE = 0x10_7a_9f;

/** Whether notifications arrive and session locks last, which a pooler in transaction mode keeps from workers. */
export async function examineConnections({
  url,
  directUrl,
}: Pick<Database, 'url' | 'directUrl'>): Promise<Finding[]> {
  const client = new pg.Client({
    connectionString: directUrl ?? url,
    application_name: 'lovage doctor',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: CONNECT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    // What is asked of a pooler's session stays with a backend that others get.
    if (await isPooled(client)) return [pooled(directUrl !== undefined)];
    return [await listener(client), await lease(client)];
  } catch (error) {
    const which = directUrl === undefined ? 'DATABASE_URL' : 'LOVAGE_DIRECT_URL';
    return [
      {
        state: 'bad',
        what: `the connection for LISTEN and leases fails: ${(error as Error).message}`,
        remedy: `${which}: an address of Postgres itself, with room for a connection`,
      },
    ];
  } finally {
    client.end().catch(() => undefined);
  }
}

async function listener(client: pg.Client): Promise<Finding> {
  const channel = `lovage_doctor_${randomUUID().replaceAll('-', '')}`;
  const { promise: heard, resolve } = Promise.withResolvers<true>();
  client.on('notification', (message) => message.channel === channel && resolve(true));
  await client.query(`LISTEN ${channel}`);
  const from = performance.now();
  await client.query('SELECT pg_notify($1, $2)', [channel, '']);
  const isHeard = await Promise.race([heard, after(HEARD_WITHIN_MS)]);
  await client.query(`UNLISTEN ${channel}`);
  if (isHeard) {
    return { state: 'good', what: `notifications arrive, in ${Math.ceil(performance.now() - from)} ms` };
  }
  return {
    state: 'bad',
    what: 'notifications do not arrive: workers look for tasks every 2 s only',
    remedy: 'LOVAGE_DIRECT_URL: an address of Postgres itself, past the pooler',
  };
}

async function lease(client: pg.Client): Promise<Finding> {
  await client.query('SELECT pg_try_advisory_lock_shared($1)', [PROBE]);
  const { rows } = await client.query<{ held: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.pid = pg_backend_pid() AND l.objid = $1) AS held`,
    [PROBE],
  );
  await client.query('SELECT pg_advisory_unlock_shared($1)', [PROBE]);
  if (rows[0]?.held) return { state: 'good', what: 'a session keeps its locks: workers can hold leases' };
  return {
    state: 'note',
    what: 'a pooler stands before Postgres: the death of a worker shows after 15 s, not within 2',
    remedy: 'LOVAGE_DIRECT_URL: an address of Postgres itself',
  };
}

const pooled = (isGiven: boolean): Finding => ({
  state: 'note',
  what: isGiven
    ? 'LOVAGE_DIRECT_URL leads to a pooler too: workers poll, and a death shows after 15 s'
    : 'lease and LISTEN cannot pass the pooler: workers poll, and a death shows after 15 s',
  remedy: 'LOVAGE_DIRECT_URL: an address of Postgres itself',
});

const after = (ms: number): Promise<false> =>
  new Promise((resolve) => setTimeout(() => resolve(false), ms).unref());
