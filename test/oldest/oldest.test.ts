import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { echo, progress } from '../../packs/diag/tasks.ts';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/index.ts';
import { openLab, spawnLovage } from '../lab.ts';

test('on Postgres 14 a task goes from its enqueue to its result, and every invariant holds', async () => {
  await using lab = await openLab();
  const [server] = await lab.sql<{ version: string }>("SELECT current_setting('server_version') AS version");
  expect(server?.version).toMatch(/^14\./);

  await lab.worker();
  const echoed = await lab.enqueue(echo, { value: [1, 'two'] });
  const stepped = await lab.enqueue(progress, { steps: 3, everyMs: 1 });

  expect(await lab.final(echoed.id)).toMatchObject({ state: 'succeeded', result: { value: [1, 'two'] } });
  expect(await lab.final(stepped.id)).toMatchObject({ state: 'succeeded' });
  expect(await lab.eventTypes(stepped.id)).toEqual([
    'queued',
    'started',
    'progress',
    'progress',
    'progress',
    'succeeded',
  ]);
  expect(await lab.violations()).toEqual([]);
});

test('Postgres 13 is refused in one clear line, with exit code 1', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lovage-13-'));
  const server = await startEmbeddedPostgres({ dataDir, binariesPackage: 'postgres-13-linux-x64' });
  try {
    const { exited, output } = spawnLovage(['migrate'], { DATABASE_URL: server.url });
    expect(await exited).toBe(1);
    expect(output().trim()).toMatch(/^lovage: Postgres 13\.\d+ is too old: Lovage needs 14 or newer$/);
  } finally {
    await server.release();
    await rm(dataDir, { recursive: true, force: true });
  }
});
