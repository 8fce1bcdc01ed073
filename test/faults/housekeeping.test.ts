import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLab, until } from '../lab.ts';
import { archiveAll, archiveAtOnce, countIn, makeFinal } from '../operate/archive-lab.ts';
import { kill, startWorkerProcess } from '../worker/processes.ts';

test('a worker that is killed while it keeps house is taken over, and every task is in one place', async () => {
  await using lab = await openLab();
  await archiveAtOnce(lab);
  await makeFinal(lab, 60_000, { state: 'failed' });
  const env = { LOVAGE_HOUSEKEEPING_MS: '1000' };
  const first = await startWorkerProcess(lab, [], env);
  await archiveAtOnce(lab);
  await until(
    () => countIn(lab, 'task_archive'),
    (count) => count > 0,
    60_000,
  );
  await kill(first);
  const left = await countIn(lab, 'task');
  expect(left).toBeGreaterThan(0);
  expect((await countIn(lab, 'task_archive')) % 1_000).toBe(0);
  expect(await lab.violations()).toEqual([]);
  await startWorkerProcess(lab, [], env);
  await archiveAtOnce(lab);
  const made = () =>
    lab.sql<{ n: number }>(`SELECT count(*)::int AS n FROM lovage.task_archive WHERE tags = '{made}'`);
  await until(made, ([row]) => row?.n === 60_000, 90_000);
  expect(await lab.violations()).toEqual([]);
});

test('steps whose connections are cut again and again, beside retries, move every task once', async () => {
  await using lab = await openLab();
  lab.lovage.pool.on('error', () => undefined);
  await archiveAtOnce(lab);
  await makeFinal(lab, 12_000, { state: 'failed' });
  const cuts = async () => {
    for (let cut = 1; cut <= 5; cut += 1) {
      await until(
        () => countIn(lab, 'task_archive'),
        (count) => count >= cut * 2_000,
        60_000,
      );
      await lab.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE '%archive_step%' AND pid <> pg_backend_pid()`,
      );
      await lab.sql(
        'SELECT lovage.retry(id) FROM (SELECT id FROM lovage.task_archive ORDER BY id DESC LIMIT 3) t',
      );
    }
  };
  const archive = () =>
    until(
      () => archiveAll(lab).catch(() => undefined),
      (moved) => moved?.isOver === true && moved.moved === 0,
      60_000,
    );
  await Promise.all([cuts(), archive(), archive()]);
  await archive();
  expect((await countIn(lab, 'task')) + (await countIn(lab, 'task_archive'))).toBe(12_000);
  expect(await lab.sql('SELECT FROM lovage.task_archive WHERE jsonb_array_length(events) <> 4')).toEqual([]);
  expect(await lab.violations()).toEqual([]);
});

test('a worker whose machine is years ahead archives and drops nothing too early', async () => {
  await using lab = await openLab();
  await makeFinal(lab, 10, { state: 'failed', age: '1 hour' });
  const folder = await mkdtemp(join(tmpdir(), 'lovage-clock-'));
  const ahead = join(folder, 'ahead.mjs');
  await writeFile(
    ahead,
    `const real = Date; const now = () => real.now() + 1000 * 86400000;
     globalThis.Date = class extends real { constructor(...a) { super(...(a.length ? a : [now()])); } static now() { return now(); } };`,
  );
  const env = { NODE_OPTIONS: `--import=${ahead}` };
  const plan = await lab.spawn(['archive', 'run', '--json'], env);
  expect(await plan.exited).toBe(0);
  expect(plan.output()).toMatch(/"archived": 0/);
  expect(plan.output()).toMatch(/"dropped": \[\]/);
  expect(await countIn(lab, 'task')).toBe(10);
  await rm(folder, { recursive: true });
});
