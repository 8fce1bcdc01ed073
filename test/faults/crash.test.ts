import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sleep } from '../../packs/diag/tasks.ts';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/index.ts';
import { configFile, openLab, spawnLovage, until, type LabProcess } from '../lab.ts';
import { kill, send, sleeps, startWorkerProcess, whenRunning } from '../worker/processes.ts';

test('a killed worker’s tasks run again elsewhere, at no cost to their retries', async () => {
  await using lab = await openLab();
  const doomed = await startWorkerProcess(lab, ['--queues', 'diag']);
  const ids = await send(lab, 'diag.sleep', sleeps(5, 700));
  for (const id of ids) await whenRunning(lab, id);
  await kill(doomed);

  const next = await startWorkerProcess(lab, ['--queues', 'diag']);
  for (const id of ids) {
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(await lab.eventTypes(id)).toEqual(['queued', 'started', 'rescued', 'started', 'succeeded']);
  }
  expect(await lab.sql('SELECT DISTINCT failures, crashes, worker_id FROM lovage.task')).toEqual([
    { failures: 0, crashes: 1, worker_id: next.id },
  ]);
  expect(await lab.violations()).toEqual([]);
});

test('a cancel that was asked for before the crash is not forgotten', async () => {
  await using lab = await openLab();
  const doomed = await startWorkerProcess(lab, ['--queues', 'diag']);
  const { id } = await lab.enqueue(sleep, { ms: 60_000, obeySignal: false });
  await whenRunning(lab, id);
  await lab.sql('SELECT lovage.cancel($1)', [id]);
  await kill(doomed);
  await startWorkerProcess(lab, ['--queues', 'diag']);
  expect(await lab.final(id)).toMatchObject({ state: 'cancelled', attempt: 1 });
  expect(await lab.violations()).toEqual([]);
});

test('a killed `lovage dev` finds its tasks again when it is started again', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lovage-dev-'));
  const env = {
    DATABASE_URL: '',
    LOVAGE_DATA_DIR: dataDir,
    LOVAGE_CONFIG: configFile,
    PORT: '0',
    LOVAGE_API_KEY: '',
  };
  const started: LabProcess[] = [];
  const dev = async () => {
    const process = spawnLovage(['dev'], env);
    started.push(process);
    await until(
      () => process.output(),
      (text) => text.includes('Lovage is ready') || process.child.exitCode !== null,
      30_000,
    );
    const url = /API\s+(http:\/\/[\d.:]+)\/v1/.exec(process.output())?.[1];
    const key = /API key\s+(lv_\S+)/.exec(process.output())?.[1];
    if (!url || !key) throw new Error(`lovage dev did not start:\n${process.output()}`);
    const call = async (path: string, body?: unknown) => {
      const response = await fetch(`${url}/v1${path}`, {
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      });
      return (await response.json()) as { id: string; state: string; attempt: number };
    };
    return { process, key, call };
  };
  try {
    const first = await dev();
    const running = await first.call('/tasks/diag.sleep', { ms: 1_500 });
    const delayed = await first.call('/tasks/diag.noop?delayMs=3000', {});
    await until(
      () => first.call(`/tasks/${running.id}`),
      ({ state }) => state === 'running',
    );
    await kill(first.process);
    // Its Postgres lives on.
    const server = await startEmbeddedPostgres({ dataDir });
    expect(server.adopted).toBe(true);

    const second = await dev();
    await server.release();
    expect(second.key).toBe(first.key);
    for (const { id } of [running, delayed]) {
      await until(
        () => second.call(`/tasks/${id}`),
        ({ state }) => state === 'succeeded',
        40_000,
      );
    }
    expect(await second.call(`/tasks/${running.id}`)).toMatchObject({ attempt: 2 });
    second.process.child.kill('SIGTERM');
    expect(await second.process.exited).toBe(0);
    const doctor = spawnLovage(['doctor'], env);
    started.push(doctor);
    expect(await doctor.exited).toBe(0);
    expect(doctor.output()).toContain('every invariant holds');
  } finally {
    for (const { child, exited } of started) {
      child.kill('SIGKILL');
      await exited;
    }
    await rm(dataDir, { recursive: true, force: true });
  }
}, 90_000);
