import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/index.ts';

let made: Promise<string> | undefined;

afterAll(async () => {
  if (made) rmSync(await made, { recursive: true });
});

/** A data folder that was in use once, so that a test need not wait for initdb. */
export async function copyUsedFolder(to: string): Promise<void> {
  made ??= makeUsedFolder();
  execFileSync('cp', ['-a', join(await made, 'data'), to]);
}

async function makeUsedFolder(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lovage-embedded-'));
  // Else the server could not reach it as another user, and would live outside.
  chmodSync(folder, 0o755);
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'data') });
  await server.release();
  // Copies must not all want the port of this one.
  rmSync(join(server.dataDir, 'postmaster.opts'), { force: true });
  return folder;
}
