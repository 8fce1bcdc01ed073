import { afterAll, beforeAll, expect, test } from 'vitest';
import { sleep } from '../../packs/diag/tasks.ts';
import { say } from '../cli/said.ts';
import { openCommandLab } from '../cli/command-lab.ts';
import { until, type Lab } from '../lab.ts';
import { startWorkerProcess, whenRunning } from '../worker/processes.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openCommandLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

test('a worker that is told to end finishes what runs, claims nothing more, and exits with 0', async () => {
  const worker = await startWorkerProcess(lab, ['--queues', 'diag']);
  const running = await lab.enqueue(sleep, { ms: 4_000 });
  await whenRunning(lab, running.id);
  // Frozen it cannot end between the two, however long they take.
  worker.child.kill('SIGSTOP');
  expect(await say('workers', 'drain', worker.id)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('was told to end') as string,
  });
  expect((await say('workers', 'drain', worker.id)).stdout).toContain('is ending already');
  const late = await lab.enqueue(sleep, { ms: 1 });
  worker.child.kill('SIGCONT');
  expect(await worker.exited).toBe(0);
  expect(await lab.get(running.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(await lab.get(late.id)).toMatchObject({ state: 'queued', attempt: 0 });
  expect((await say('workers', 'drain', worker.id)).stdout).toContain('has ended');
  expect(
    await lab.sql(`SELECT action, target FROM lovage.v_audit WHERE action = 'workers.drain' LIMIT 1`),
  ).toEqual([{ action: 'workers.drain', target: worker.id }]);
  expect(await lab.violations()).toEqual([]);
});

test('a notification that is lost costs a heartbeat', async () => {
  const worker = await lab.worker();
  // As psql would without NOTIFY.
  await lab.sql('UPDATE lovage.worker SET drain_requested_at = now() WHERE id = $1', [worker.id]);
  await worker.toldToEnd;
  await worker.drain(0);
});

test('an operator tells it in psql, and the audit log says so', async () => {
  const worker = await lab.worker();
  const [told] = await lab.sql('SELECT lovage.drain_worker($1) AS outcome', [worker.id]);
  expect(told).toEqual({ outcome: 'draining' });
  await worker.toldToEnd;
  const [entry] = await until(
    () =>
      lab.sql(`SELECT actor FROM lovage.v_audit WHERE action = 'workers.drain' AND target = $1`, [worker.id]),
    (rows) => rows.length > 0,
  );
  expect(entry).toEqual({ actor: expect.stringMatching(/^sql:/) as string });
});
