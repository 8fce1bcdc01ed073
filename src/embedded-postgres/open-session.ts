import { Socket } from 'node:net';
import { Client } from 'pg';
import { codeOf, EmbeddedPostgresError } from './error.ts';

export interface Session {
  client: Client;
  socket: Socket;
}

/** Everyone who uses the server holds this advisory lock of database `lovage` as a share. */
export const usersLock = 5_064_417;

/** A session that counts as a user; undefined while the server does not let one in. */
export async function openSession(port: number, password: string): Promise<Session | undefined> {
  try {
    return await share(await connect({ port, password, database: 'lovage' }));
  } catch (error) {
    const code = codeOf(error);
    if (code === '3D000') return createDatabase(port, password);
    if (code === '28P01' || code === '28000') throw refused(error);
    return undefined;
  }
}

async function connect(to: { port: number; password: string; database: string }): Promise<Session> {
  const socket = new Socket();
  const client = new Client({
    ...to,
    host: '127.0.0.1',
    user: 'lovage',
    ssl: false,
    application_name: 'lovage keeper',
    connectionTimeoutMillis: 5_000,
    stream: () => socket,
  });
  client.on('error', () => {});
  await client.connect();
  return { client, socket };
}

/** Without waiting: whoever holds the lock alone is about to stop the server. */
async function share(session: Session): Promise<Session | undefined> {
  const { rows } = await session.client.query<{ held: boolean }>(
    'select pg_try_advisory_lock_shared($1) as held',
    [usersLock],
  );
  if (rows[0]?.held) return session;
  await session.client.end();
  return undefined;
}

async function createDatabase(port: number, password: string): Promise<undefined> {
  const { client } = await connect({ port, password, database: 'postgres' });
  try {
    await client.query('create database lovage');
  } finally {
    await client.end();
  }
}

function refused(cause: unknown): EmbeddedPostgresError {
  const message = 'the running Postgres refuses the password in postgres-password of the data folder';
  return new EmbeddedPostgresError('password_refused', message, { cause });
}
