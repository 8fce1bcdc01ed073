import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { loadConfig } from '../../src/load-config.ts';
import { createLog } from '../../src/log.ts';
import { migrateFor } from '../../src/open.ts';
import { startWorker } from '../../src/worker/start.ts';
import { onServer, withDatabase } from '../global-setup.ts';
import { configFile, until } from '../lab.ts';
import { NODE_COMPILE_CACHE } from '../worker/processes.ts';

/** The program of the first release: migrations 0000 to 0004, and a worker that knows nothing of what came later. */
const FIRST_RELEASE = new URL('../fixtures/first-release.tar.gz', import.meta.url).pathname;
const NODE_MODULES = new URL('../../node_modules', import.meta.url).pathname;

let folder: string;
let database: string;
let url: string;
let pool: pg.Pool;
let old: ReturnType<typeof runOld>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lovage-first-'));
  await promisify(execFile)('tar', ['xzf', FIRST_RELEASE, '-C', folder]);
  await symlink(NODE_MODULES, join(folder, 'node_modules'));
  database = `lovage_upgrade_${randomUUID().slice(0, 8)}`;
  await onServer(inject('serverUrl'), `CREATE DATABASE ${database}`);
  url = withDatabase(inject('serverUrl'), database);
  expect(await runOld('migrate').exited).toBe(0);
  pool = new pg.Pool({ connectionString: url, max: 4 });
  old = runOld('worker');
  await until(old.output, (text) => text.includes('worker started'), 40_000);
}, 60_000);
afterAll(async () => {
  old.child.kill('SIGKILL');
  await pool.end();
  await onServer(inject('serverUrl'), `DROP DATABASE ${database} WITH (FORCE)`);
  await rm(folder, { recursive: true });
});

function runOld(command: string) {
  const child = spawn(process.execPath, ['--conditions=lovage-source', 'bin/lovage.js', command], {
    cwd: folder,
    env: { ...process.env, NODE_COMPILE_CACHE, DATABASE_URL: url, LOVAGE_LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text, exited: once(child, 'exit').then(([code]) => code as number | null) };
}

/** As the first release's API sent them. */
async function send(name: string, inputs: unknown[], more: object = {}): Promise<string[]> {
  const tasks = inputs.map((input) => ({
    tenant: 'default',
    name,
    queue: 'diag',
    priority: 0,
    maxAttempts: 3,
    resultTtlMs: 86_400_000,
    tags: [],
    createdBy: 'key:old',
    input,
    ...more,
  }));
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM lovage.add_tasks($1), pg_notify('lovage_ready', 'diag')`,
    [JSON.stringify(tasks)],
  );
  return rows.map(({ id }) => id);
}

const times = (count: number, input: object) => Array.from({ length: count }, () => input);
const statesOf = async (ids: readonly string[]): Promise<Record<string, string>> => {
  const { rows } = await pool.query<{ id: string; state: string }>(
    'SELECT id, state FROM lovage.task WHERE id = ANY ($1)',
    [ids],
  );
  return Object.fromEntries(rows.map(({ id, state }) => [id, state]));
};
const inState = (ids: readonly string[], state: string) =>
  until(
    () => statesOf(ids),
    (states) => ids.every((id) => states[id] === state),
    30_000,
  );
const violations = async () => (await pool.query('SELECT * FROM lovage.check_invariants()')).rows;

test('a database of the first release is brought up to date under its workers, and every task in flight finishes', async () => {
  const done = await send('diag.echo', [{ value: 'before' }]);
  await inState(done, 'succeeded');
  const running = await send('diag.sleep', times(3, { ms: 4_000 }));
  const toCancel = await send('diag.sleep', [{ ms: 600_000 }]);
  const retrying = await send('diag.fail', [{ times: 1 }]);
  await inState([...running, ...toCancel], 'running');
  const scheduled = await send('diag.echo', [{ value: 'later' }], { delayMs: 5_000 });
  const queued = await send('diag.sleep', times(20, { ms: 200 }));

  // Somebody's open transaction keeps the migration from its locks; it must not keep the workers from theirs.
  const reader = await pool.connect();
  await reader.query('BEGIN; LOCK TABLE lovage.task IN ACCESS SHARE MODE');
  const migrated = migrateFor(await loadConfig(configFile), url);
  await until(
    async () =>
      (await pool.query(`SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'`)).rowCount,
    (waits) => waits !== null && waits > 0,
  );
  const meanwhile = await send('diag.echo', [{ value: 'meanwhile' }], { priority: 9 });
  await inState(meanwhile, 'succeeded');
  const { rows: before } = await pool.query(`SELECT to_regclass('lovage.task_wait') IS NULL AS "isOld"`);
  expect(before).toEqual([{ isOld: true }]);
  await reader.query('COMMIT');
  reader.release();
  await migrated;

  // The old worker goes on, under functions that were replaced, and with what is new to it.
  const { rows } = await pool.query<{ id: string }>(
    `SELECT lovage.enqueue('diag.echo', '{"value": "new"}') AS id`,
  );
  const fresh = rows.map(({ id }) => id);
  await pool.query('SELECT lovage.cancel($1)', [toCancel[0]]);
  await inState(toCancel, 'cancelled');
  await inState([...running, ...retrying, ...queued, ...scheduled, ...fresh], 'succeeded');
  expect(await violations()).toEqual([]);

  const { rows: kept } = await pool.query(
    `SELECT (SELECT result FROM lovage.v_payloads WHERE id = $1) AS result,
            ARRAY(SELECT type FROM lovage.v_events WHERE task_id = $1 ORDER BY number) AS history,
            (SELECT outcome FROM lovage.v_attempts WHERE task_id = $1) AS outcome`,
    [done[0]],
  );
  expect(kept).toEqual([
    { result: { value: 'before' }, history: ['queued', 'started', 'succeeded'], outcome: 'succeeded' },
  ]);
});

test('an old program starts on the newer database and changes nothing of its schema', async () => {
  const count = 'SELECT count(*)::int AS n FROM lovage_migrations.lovage';
  const { rows: before } = await pool.query(count);
  const again = runOld('migrate');
  expect(await again.exited).toBe(0);
  expect((await pool.query(count)).rows).toEqual(before);
});

test('a new worker takes over what the old one leaves as it drains', async () => {
  const left = await send('diag.sleep', times(15, { ms: 300 }));
  const worker = await startWorker({
    config: await loadConfig(configFile),
    configFile,
    url,
    log: createLog({ level: 'silent' }),
    version: 'new',
  });
  old.child.kill('SIGTERM');
  expect(await old.exited).toBe(0);
  await inState(left, 'succeeded');
  await worker.drain(0);
  expect(await violations()).toEqual([]);
});
