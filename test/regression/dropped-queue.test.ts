import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run, type Finished } from '../cli/run.ts';
import { onConnection } from '../journal/journal-lab.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { countIn, send, startWorkerProcess, type WorkerProcess } from '../worker/processes.ts';

/** One queue that somebody dropped stopped every queue: the one look at all of them failed on its missing table. */
const GONE = 'spare';
vi.setConfig({ testTimeout: 30_000 });

const table = async (lab: Lab) => {
  const [row] = await lab.sql<{ job_table: string }>(
    'SELECT job_table FROM lovage.queue_control WHERE queue = $1',
    [GONE],
  );
  return `pgboss."${row?.job_table}"`;
};

describe.each<[string, (lab: Lab) => Promise<string>, string[]]>([
  ['deleted in pg-boss', async () => `SELECT pgboss.delete_queue('${GONE}')`, ['doctor', '--repair']],
  ['whose table was dropped', async (lab) => `DROP TABLE ${await table(lab)}`, ['migrate']],
])('a queue %s', (_how, drop, mend) => {
  let lab: Lab;
  let worker: WorkerProcess;
  let waiting: string[];
  const lovage = (args: readonly string[]): Promise<Finished> => run(args, { DATABASE_URL: lab.url });

  beforeAll(async () => {
    lab = await openLab();
    worker = await startWorkerProcess(lab, ['--queues', `diag,solo,${GONE}`]);
    const statement = await drop(lab);
    // In one transaction, so that the worker gets none of them before their queue is gone.
    waiting = await onConnection(lab.url, async (client) => {
      await client.query('BEGIN');
      const { rows } = await client.query<{ id: string }>('SELECT id FROM lovage.add_tasks($1)', [
        JSON.stringify(Array.from({ length: 5 }, () => ({ name: 'diag.noop', queue: GONE, input: {} }))),
      ]);
      await client.query('SET CONSTRAINTS ALL IMMEDIATE');
      await client.query(statement);
      await client.query('COMMIT');
      return rows.map(({ id }) => id);
    });
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  test('stops no other: a task that nobody announced still starts', async () => {
    for (const queue of ['diag', 'solo', 'diag']) {
      const [id = ''] = await send(lab, 'diag.noop', [{ queue }]);
      expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
    }
    expect(await countIn(lab, 'queued', GONE)).toBe(5);
  });

  test('is named by `lovage doctor`, which changes nothing', async () => {
    for (let time = 0; time < 2; time += 1) {
      const { code, stdout } = await lovage(['doctor']);
      expect(stdout).toMatch(new RegExp(`✗ .*queue.*\\b${GONE}\\b`));
      expect(stdout).not.toMatch(/✗ .*\b(?:diag|solo)\b/);
      expect(code).toBe(1);
    }
  });

  test(`comes back with \`lovage ${mend.join(' ')}\`, and the same worker runs what waited`, async () => {
    expect(await lovage(mend)).toMatchObject({ code: 0, stderr: '' });
    for (const id of waiting) expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
    const [id = ''] = await send(lab, 'diag.noop', [{ queue: GONE }]);
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 1 });

    const { code, stdout } = await lovage(['doctor']);
    expect(stdout).not.toContain('✗');
    expect(code).toBe(0);
    expect(await lab.violations()).toEqual([]);
  });

  test('is a whole one again: its jobs are journaled under both their names', async () => {
    worker.child.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
    const [id = ''] = await send(lab, 'diag.noop', [{ queue: GONE }]);
    await lab.sql(`UPDATE ${await table(lab)} SET priority = 7 WHERE id = $1`, [id]);
    await lab.sql('UPDATE pgboss.job SET priority = 8 WHERE id = $1', [id]);
    expect(await lab.eventTypes(id)).toEqual(['queued', 'changed', 'changed']);
    await until(async () => (await lab.violations()).length === 0);
  });
});
