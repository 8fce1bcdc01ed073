import { afterAll, beforeAll, expect, test } from 'vitest';
import { toLovageError } from '../../src/api/errors.ts';
import { cancelTask } from '../../src/tasks/cancel.ts';
import { run, type Finished } from '../cli/run.ts';
import { onConnection } from '../journal/journal-lab.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { countIn, send, startWorkerProcess, whenRunning, type WorkerProcess } from '../worker/processes.ts';

/**
 * One queue that somebody dropped stopped every queue: the one look at all of them failed on its missing table.
 * `spare` is deleted as pg-boss does it, `faults` loses its table and stays in pg-boss's list.
 */
const GONE = ['spare', 'faults'];
const WAITING = 5;

let lab: Lab;
let worker: WorkerProcess;
let waiting: string[];
const lovage = (args: readonly string[]): Promise<Finished> => run(args, { DATABASE_URL: lab.url });

beforeAll(async () => {
  lab = await openLab();
  worker = await startWorkerProcess(lab, ['--queues', ['diag', 'solo', ...GONE].join(',')]);
  waiting = await dropWithTasks();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Tasks come and their queue goes in one transaction, so that the worker gets none of them before. */
async function dropWithTasks(): Promise<string[]> {
  const tasks = GONE.flatMap((queue) =>
    Array.from({ length: WAITING }, () => ({ name: 'diag.noop', queue, input: {} })),
  );
  return onConnection(lab.url, async (client) => {
    await client.query('BEGIN');
    const { rows } = await client.query<{ id: string }>('SELECT id FROM lovage.add_tasks($1)', [
      JSON.stringify(tasks),
    ]);
    await client.query('SET CONSTRAINTS ALL IMMEDIATE');
    await client.query(`SELECT pgboss.delete_queue('spare')`);
    await client.query(`DROP TABLE ${await partitionOf('faults')}`);
    await client.query('COMMIT');
    return rows.map(({ id }) => id);
  });
}

async function partitionOf(queue: string): Promise<string> {
  const [row] = await lab.sql<{ job_table: string }>(
    'SELECT job_table FROM lovage.queue_control WHERE queue = $1',
    [queue],
  );
  return `pgboss."${row?.job_table}"`;
}

/** Of the dropped queues those that have a table to keep jobs in. */
async function present(): Promise<string[]> {
  const rows = await lab.sql<{ queue: string }>(
    `SELECT queue FROM lovage.queue_control
     WHERE queue = ANY ($1) AND to_regclass(format('pgboss.%I', job_table)) IS NOT NULL ORDER BY queue`,
    [GONE],
  );
  return rows.map(({ queue }) => queue);
}

async function expectAllWell(): Promise<void> {
  expect(await lab.violations()).toEqual([]);
  const since = await send(
    lab,
    'diag.noop',
    GONE.map((queue) => ({ queue })),
  );
  for (const id of [...waiting, ...since])
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(await lab.violations()).toEqual([]);
}

test('queues that are gone stop no other: a task that nobody announced still starts', async () => {
  expect(await present()).toEqual([]);
  const ids = await send(lab, 'diag.noop', [{ queue: 'diag' }, { queue: 'solo' }]);
  for (const id of ids) expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  for (const queue of GONE) expect(await countIn(lab, 'queued', queue)).toBe(WAITING);
});

test('a task for a queue that pg-boss no longer knows is refused and leaves nothing', async () => {
  await expect(send(lab, 'diag.noop', [{ queue: 'spare' }])).rejects.toMatchObject({
    code: '23503',
    detail: expect.stringContaining('(spare)'),
  });
  expect(await countIn(lab, 'queued', 'spare')).toBe(WAITING);
});

test('a task for a queue whose table was dropped waits for it', async () => {
  waiting.push(...(await send(lab, 'diag.noop', [{ queue: 'faults' }])));
  expect(await countIn(lab, 'queued', 'faults')).toBe(WAITING + 1);
});

test('a cancel of what waits for such a queue is refused for now, with what to do', async () => {
  const [id = ''] = waiting;
  const refusal = await cancelTask(lab.lovage, lab.caller, id).catch(toLovageError);
  expect(refusal).toMatchObject({
    code: 'queue-unavailable',
    message: expect.stringContaining('lovage migrate') as string,
  });
});

test('`lovage doctor` names them and changes nothing', async () => {
  const { code, stdout } = await lovage(['doctor']);
  const faults = stdout.split('\n').filter((line) => line.startsWith('✗') && !line.includes('invariant'));
  expect(code).toBe(1);
  for (const queue of GONE) expect(faults.join('\n')).toMatch(new RegExp(`queue.*\\b${queue}\\b`));
  expect(faults.join('\n')).not.toMatch(/\b(?:diag|solo)\b/);
  expect(await present()).toEqual([]);
});

test('they come back with `lovage doctor --repair`, and the same worker runs what waited', async () => {
  expect(await lovage(['doctor', '--repair'])).toMatchObject({ code: 0, stderr: '' });
  await expectAllWell();
  const { code, stdout } = await lovage(['doctor']);
  expect(stdout).not.toContain('✗');
  expect(code).toBe(0);
});

test('dropped again, they come back with `lovage migrate`, and so does what waited', async () => {
  waiting = await dropWithTasks();
  expect(await lovage(['migrate'])).toMatchObject({ code: 0, stderr: '' });
  await expectAllWell();
});

test('an outcome that came while its queue was gone is written once it is back', async () => {
  const ids = await send(
    lab,
    'diag.sleep',
    GONE.map((queue) => ({ queue, input: { ms: 300 } })),
  );
  for (const id of ids) await whenRunning(lab, id);
  const saidBefore = worker.output().length;
  waiting = await dropWithTasks();
  await until(
    () => worker.output().slice(saidBefore),
    (text) => GONE.every((queue) => new RegExp(`"queue":"${queue}".*outcome`).test(text)),
  );
  // What waits for its queue keeps no other outcome waiting.
  const [other = ''] = await send(lab, 'diag.noop', [{ queue: 'diag' }]);
  await until(
    () => lab.get(other),
    (task) => task.state === 'succeeded',
    5_000,
  );
  expect(await lovage(['doctor', '--repair'])).toMatchObject({ code: 0 });
  for (const id of ids)
    expect(
      await until(
        () => lab.get(id),
        (task) => task.state !== 'running',
        8_000,
      ),
    ).toMatchObject({ state: 'succeeded', attempt: 1, result: { slept: 300 } });
  await expectAllWell();
});

test('they are whole ones again: their jobs are journaled under both their names', async () => {
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
  for (const queue of GONE) {
    const [id = ''] = await send(lab, 'diag.noop', [{ queue }]);
    await lab.sql(`UPDATE ${await partitionOf(queue)} SET priority = 7 WHERE id = $1`, [id]);
    await lab.sql('UPDATE pgboss.job SET priority = 8 WHERE id = $1', [id]);
    expect(await lab.eventTypes(id)).toEqual(['queued', 'changed', 'changed']);
  }
});
