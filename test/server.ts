import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgreSqlContainer } from '@testcontainers/postgresql';
import { getContainerRuntimeClient } from 'testcontainers';
import { startEmbeddedPostgres } from '../src/embedded-postgres/index.ts';

/** A Postgres server for tests: its superuser's URL and the way to end it. */
export interface TestServer {
  url: string;
  name: string;
  stop(): Promise<void>;
}

/** The binaries that `LOVAGE_TEST_BINARIES` names, else `DATABASE_URL`, else a container where a Docker engine answers, else the embedded one. */
export async function startTestServer(): Promise<TestServer> {
  const binaries = process.env['LOVAGE_TEST_BINARIES'];
  if (binaries) return startEmbedded(binaries);
  const given = process.env['DATABASE_URL'];
  if (given) return { url: given, name: 'DATABASE_URL', stop: async () => undefined };
  return (await startContainer()) ?? (await startEmbedded());
}

async function startContainer(): Promise<TestServer | undefined> {
  try {
    await getContainerRuntimeClient();
  } catch {
    return undefined;
  }
  const container = await new PostgreSqlContainer('postgres:18-alpine')
    .withCommand(['-c', 'max_connections=200'])
    .start();
  return {
    url: container.getConnectionUri(),
    name: 'a container',
    stop: async () => void (await container.stop()),
  };
}

async function startEmbedded(binariesPackage?: string): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lovage-test-'));
  const server = await startEmbeddedPostgres({ dataDir, ...(binariesPackage ? { binariesPackage } : {}) });
  return {
    url: server.url,
    name: 'embedded Postgres',
    async stop() {
      await server.release();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
