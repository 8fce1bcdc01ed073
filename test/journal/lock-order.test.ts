import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { sendTasks } from '../../src/queue/send.ts';
import { expect, newTask, test, until, type JournalLab } from './journal-lab.ts';

const JOSTLE = new URL('./fixtures/jostle.ts', import.meta.url).pathname;
const PROCESSES = 4;
const ROUNDS = 80;

test(
  'claims, settles, reports, cancels, retries, rescues and operators of four processes on the same tasks never deadlock',
  { timeout: 120_000 },
  async ({ lab }) => {
    await sendTasks(
      lab.lovage.pool,
      Array.from({ length: 120 }, () => newTask()),
    );
    const before = await deadlocks(lab);

    const done = await Promise.all(
      Array.from({ length: PROCESSES }, (_, index) => jostle(lab.url, index + 1)),
    );
    expect(await deadlocks(lab)).toBe(before);
    expect(await lab.violations()).toEqual([]);
    // Every deed was done by some process, or this has shown little.
    for (const deed of [
      'claim',
      'settle',
      'report',
      'cancel',
      'retry',
      'operate',
      'remove',
      'rescue',
      'enqueue',
    ])
      expect(
        done.some((each) => (each[deed] ?? 0) > 0),
        deed,
      ).toBe(true);

    await lab.sql(`SELECT lovage.rescue(interval '15 seconds')`);
    const worker = await lab.worker({ queues: ['diag'], slots: 50 });
    await until(async () => (await unfinished(lab)).length === 0, Boolean, 30_000);
    await worker.drain(1_000);
    expect(await deadlocks(lab)).toBe(before);
    expect(await attemptsOutOfOrder(lab)).toEqual([]);
  },
);

async function jostle(url: string, seed: number): Promise<Record<string, number>> {
  const argv = ['--conditions=lovage-source', JOSTLE, url, String(seed), String(ROUNDS)];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  return JSON.parse(stdout) as Record<string, number>;
}

/** As Postgres counts them: callers that try again never see one. Its sessions report when they end. */
async function deadlocks(lab: JournalLab): Promise<number> {
  await until(
    async () =>
      (await lab.sql(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'jostle'`)).length === 0,
  );
  const [row] = await lab.sql<{ deadlocks: number }>(
    'SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()',
  );
  return row?.deadlocks ?? -1;
}

const unfinished = (lab: JournalLab) =>
  lab.sql('SELECT id, state FROM lovage.task WHERE NOT lovage.is_final(state)');

const attemptsOutOfOrder = (lab: JournalLab) =>
  lab.sql(
    `SELECT task_id, attempt, before FROM (
       SELECT task_id, attempt, lag(attempt) OVER (PARTITION BY task_id ORDER BY number) AS before
       FROM lovage.task_event WHERE type = 'started') s
     WHERE attempt <= before`,
  );
