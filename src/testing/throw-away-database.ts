import { randomUUID } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Config } from '../config.ts';
import { startEmbeddedPostgres } from '../embedded-postgres/index.ts';
import { migrateFor } from '../open.ts';

export interface ThrowAwayDatabase {
  url: string;
  drop(): Promise<void>;
}

/** Migrated once for each configuration and server; every test gets a clone, which takes some 50 ms. */
const templates = new WeakMap<Config, Map<string, Promise<string>>>();
let embedded: Promise<string> | undefined;

/** A database of its own on the server of `serverUrl`, or on an embedded one that this machine's tests share. */
export async function makeDatabase(config: Config, serverUrl?: string): Promise<ThrowAwayDatabase> {
  const server = serverUrl ?? (await (embedded ??= startServer()));
  const known = templates.get(config) ?? new Map<string, Promise<string>>();
  templates.set(config, known);
  const making = known.get(server) ?? makeTemplate(config, server);
  known.set(server, making);
  const template = await making;
  const name = nameFor('test');
  await onServer(server, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  return {
    url: inDatabase(server, name),
    drop: () => onServer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** It outlives this process: the next run finds it and need not start one. */
async function startServer(): Promise<string> {
  const dataDir = join(tmpdir(), `lovage-testing-${userInfo().username}`);
  const { url } = await startEmbeddedPostgres({ dataDir });
  await dropOld(url);
  return url;
}

async function makeTemplate(config: Config, server: string): Promise<string> {
  const name = nameFor('template');
  await onServer(server, `CREATE DATABASE ${name}`);
  await migrateFor(config, inDatabase(server, name));
  return name;
}

/** What runs left behind that did not end in order. */
async function dropOld(server: string): Promise<void> {
  const hourAgo = Date.now() - 3_600_000;
  const rows = await query<{ name: string }>(
    server,
    `SELECT d.datname AS name FROM pg_database d
     WHERE d.datname LIKE 'lovage\\_testing\\_%' AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)`,
  );
  for (const { name } of rows) {
    if (Number(name.split('_').at(-2)) < hourAgo) await onServer(server, `DROP DATABASE IF EXISTS ${name}`);
  }
}

const nameFor = (kind: 'test' | 'template'): string =>
  `lovage_testing_${kind}_${Date.now()}_${randomUUID().slice(0, 8)}`;

function inDatabase(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

const onServer = async (url: string, text: string): Promise<void> => void (await query(url, text));

async function query<Row extends object>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'lovage testing' });
  await client.connect();
  try {
    const { rows } = await client.query<Row>(text);
    return rows;
  } finally {
    await client.end();
  }
}
