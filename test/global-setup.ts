import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { loadConfig } from '../src/load-config.ts';
import { migrateFor } from '../src/open.ts';
import { startTestServer } from './server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    serverUrl: string;
    template: string;
  }
}

export const configFile = new URL('./fixtures/lovage.config.ts', import.meta.url).pathname;

/** One server and one migrated template for the whole run; each file clones a database of its own from it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  process.env['LOVAGE_DIAG'] = '1';
  const server = await startTestServer();
  const template = `lovage_template_${process.pid}`;
  await onServer(server.url, `CREATE DATABASE ${template}`);
  await migrateFor(await loadConfig(configFile), withDatabase(server.url, template));
  project.provide('serverUrl', server.url);
  project.provide('template', template);
  return async () => {
    await onServer(server.url, `DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
    await server.stop();
  };
}

export async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
