import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/index.ts';
import { configFile, openLab, spawnLovage, until } from '../lab.ts';
import { countIn, send, startWorkerProcess } from '../worker/processes.ts';

test('backends that are cut again and again under load lose nothing and double nothing', async () => {
  await using lab = await openLab();
  lab.lovage.pool.on('error', () => undefined);
  const worker = await startWorkerProcess(lab, ['--queues', 'diag,spare', '--concurrency', '20']);
  const ids: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    ids.push(
      ...(await send(
        lab,
        'diag.sleep',
        Array.from({ length: 100 }, (_, n) => ({ input: { ms: n % 20 } })),
      )),
    );
    await lab.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name IN ('lovage', 'lovage listener')`,
    );
    await until(
      () => countIn(lab, 'succeeded'),
      (n) => n >= round * 50,
    );
  }
  await until(
    () => countIn(lab, 'succeeded'),
    (n) => n === ids.length,
    25_000,
  );
  expect(worker.child.exitCode).toBeNull();
  expect(await lab.violations()).toEqual([]);
  const [results] = await lab.sql(
    'SELECT count(*)::int AS n, count(DISTINCT task_id)::int AS tasks FROM lovage.task_result',
  );
  expect(results).toEqual({ n: ids.length, tasks: ids.length });
});

test('a worker waits for a server that is stopped, and settles what ended meanwhile', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lovage-away-'));
  let server = await startEmbeddedPostgres({ dataDir });
  const env = { DATABASE_URL: server.url, LOVAGE_CONFIG: configFile };
  const worker = spawnLovage(['worker', '--queues', 'diag'], env);
  const port = server.port;
  const query = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    try {
      return (await client.query(text, values)).rows as Row[];
    } finally {
      await client.end();
    }
  };
  try {
    await until(
      () => worker.output(),
      (text) => text.includes('worker started'),
      20_000,
    );
    const [task] = await query<{ id: string }>(
      `SELECT id FROM lovage.add_tasks('[{"name": "diag.sleep", "queue": "diag", "input": {"ms": 1000}}]')`,
    );
    const look = () =>
      query<{ state: string; attempt: number }>('SELECT state, attempt FROM lovage.task WHERE id = $1', [
        task?.id,
      ]);
    await until(look, ([row]) => row?.state === 'running');
    process.kill(server.pid, 'SIGINT');
    await until(
      () => worker.output(),
      (text) => text.includes('outcomes could not be written; trying again'),
    );
    await until(
      () => worker.output(),
      (text) => /could not (look for work|claim)/.test(text),
    );

    server = await startAgain(dataDir, port);
    expect(await until(look, ([row]) => row?.state !== 'running')).toEqual([
      { state: 'succeeded', attempt: 1 },
    ]);
    expect(worker.child.exitCode).toBeNull();
    expect(await query('SELECT * FROM lovage.check_invariants()')).toEqual([]);
    worker.child.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
  } finally {
    worker.child.kill('SIGKILL');
    await worker.exited;
    await server.release();
    await rm(dataDir, { recursive: true, force: true });
  }
}, 60_000);

/** On the port that the worker knows. */
async function startAgain(dataDir: string, port: number) {
  const server = await until(
    () => startEmbeddedPostgres({ dataDir }).catch(() => undefined),
    (started) => started !== undefined,
  );
  if (server?.port !== port) throw new Error(`the server came back on port ${server?.port}, not ${port}`);
  return server;
}
