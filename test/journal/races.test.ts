import { noop } from '../../packs/diag/tasks.ts';
import { retryConflicts } from '../../src/db/failures.ts';
import { sendTasks } from '../../src/queue/send.ts';
import { rescueTasks } from '../../src/worker/lease/rescue.ts';
import {
  expect,
  failed,
  newTask,
  onConnection,
  retrying,
  succeeded,
  test,
  type JournalLab,
} from './journal-lab.ts';

const ROUNDS = 200;
const FINAL_ENDS = ['succeeded', 'failed', 'cancelled', 'expired'];

/** What SQL function answered, from a connection of the pool. */
const ask = async (lab: JournalLab, verb: 'cancel' | 'retry', id: string) =>
  (await lab.sql<{ answer: string }>(`SELECT lovage.${verb}($1) AS answer`, [id]))[0]?.answer;

test('a cancel beside a settle: one outcome, in which state, history and result agree', async ({ lab }) => {
  const tasks = await sendTasks(
    lab.lovage.pool,
    Array.from({ length: ROUNDS }, () => newTask()),
  );
  await lab.claim(ROUNDS);
  const outcomes = [succeeded, failed, retrying(60_000)];
  const seen = new Set<string>();

  const answers = new Map<string, [settled: string | null, answer: string | undefined]>();
  for (const [round, { id }] of tasks.entries()) {
    const settle = () => lab.settle({ id, attempt: 1 }, outcomes[round % outcomes.length] ?? succeeded);
    const cancel = () => ask(lab, 'cancel', id);
    if (round % 2 === 0) {
      answers.set(id, await Promise.all([settle(), cancel()]));
    } else {
      const [answer, settled] = await Promise.all([cancel(), settle()]);
      answers.set(id, [settled, answer]);
    }
  }

  for (const { id, state, ends, results } of await endings(lab)) {
    const [settled, answer] = answers.get(id) ?? [];
    seen.add(`${settled} / ${answer}`);
    const story = { settled, answer, state, ends };
    expect(results).toBe(state === 'succeeded' ? 1 : 0);
    if (answer === 'requested')
      expect(story).toMatchObject({
        settled: 'cancelled',
        state: 'cancelled',
        ends: 'cancel_requested 1, cancelled 1',
      });
    else if (answer === 'cancelled')
      expect(story).toMatchObject({
        settled: 'retrying',
        state: 'cancelled',
        ends: 'retrying 1, cancelled 1',
      });
    else expect(story).toMatchObject({ answer: 'already_final', state: settled, ends: `${settled} 1` });
  }
  expect(answers.size).toBe(ROUNDS);
  // Both came first now and then, or this has shown nothing.
  expect(seen).toContain('cancelled / requested');
  expect(seen).toContain('succeeded / already_final');
});

test('a delete by hand beside a settle: the worker’s outcome or a cancel, never both', async ({ lab }) => {
  const tasks = await sendTasks(
    lab.lovage.pool,
    Array.from({ length: 100 }, () => newTask()),
  );
  await lab.claim(100);

  for (const { id } of tasks) {
    const [state] = await Promise.all([
      retryConflicts(() => lab.settle({ id, attempt: 1 }, succeeded)),
      lab.sql('DELETE FROM pgboss.job WHERE id = $1', [id]),
    ]);
    const ends = { succeeded: 'succeeded 1', cancelled: 'cancel_requested 1, cancelled 1' };
    expect(await lab.task(id)).toMatchObject({ state });
    expect((await lab.history(id)).slice(2).join(', ')).toBe(ends[state as keyof typeof ends]);
  }
});

test('a cancel beside a claim: either it never starts, or it starts and is asked to stop', async ({
  lab,
}) => {
  const tasks = await sendTasks(
    lab.lovage.pool,
    Array.from({ length: ROUNDS }, () => newTask()),
  );
  const claimed = new Map<string, number>();
  const claiming = async () => {
    for (let round = 0; round < ROUNDS / 10; round += 1)
      for (const { id, attempt } of await lab.claim(10)) claimed.set(id, attempt);
  };
  const cancelling = async () => {
    const answers = new Map<string, string | undefined>();
    for (const { id } of tasks) answers.set(id, await ask(lab, 'cancel', id));
    return answers;
  };
  const [answers] = await Promise.all([cancelling(), claiming()]);

  for (const { id } of tasks) {
    const isRunning = claimed.has(id);
    expect(answers.get(id)).toBe(isRunning ? 'requested' : 'cancelled');
    if (isRunning) expect(await lab.settle({ id, attempt: 1 }, succeeded)).toBe('cancelled');
    expect(await lab.task(id)).toMatchObject({ state: 'cancelled', attempt: isRunning ? 1 : 0 });
  }
});

test('of several retries of one final task exactly one is accepted', async ({ lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, failed);

  for (let attempt = 2; attempt < 22; attempt += 1) {
    const answers = await Promise.all([1, 2, 3].map(() => ask(lab, 'retry', claim.id)));
    expect(answers.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
      'not_final',
      'not_final',
      'queued',
    ]);
    expect(await lab.claim()).toMatchObject([{ id: claim.id, attempt }]);
    await lab.settle({ id: claim.id, attempt }, failed);
  }
});

test('a retry beside a cancel leaves one job or none, as its state says', async ({ lab }) => {
  const claim = await lab.running();
  await lab.settle(claim, failed);

  for (let round = 0; round < 50; round += 1) {
    await Promise.all([ask(lab, 'retry', claim.id), ask(lab, 'cancel', claim.id)]);
    const [task, job] = [await lab.task(claim.id), await lab.job(claim.id)];
    expect(job === undefined).toBe(FINAL_ENDS.includes(task?.state ?? ''));
    await ask(lab, 'cancel', claim.id);
  }
  expect(await lab.violations()).toEqual([]);
});

test('a rescue beside the settle of the worker that was taken for dead: one of them', async ({ lab }) => {
  for (let round = 0; round < 40; round += 1) {
    const claim = await lab.running();
    await lab.sql(`UPDATE lovage.worker SET heartbeat_at = now() - interval '1 hour', lost_at = NULL`);
    const [rescued, settled] = await Promise.all([
      rescueTasks(lab.lovage.pool),
      lab.settle(claim, succeeded),
    ]);

    const isSettled = settled === 'succeeded';
    expect(rescued.filter(({ task_id }) => task_id === claim.id)).toHaveLength(isSettled ? 0 : 1);
    expect((await lab.history(claim.id)).slice(2)).toEqual([isSettled ? 'succeeded 1' : 'rescued 1']);
    if (!isSettled) await ask(lab, 'cancel', claim.id);
  }
});

test('an enqueue beside reconcile is neither seen half nor mended', async ({ lab }) => {
  const over = new AbortController();
  const mended: unknown[] = [];
  const reconciling = onConnection(lab.url, async (client) => {
    while (!over.signal.aborted)
      mended.push(...(await client.query('SELECT * FROM lovage.reconcile()')).rows);
  });
  for (let round = 0; round < 60; round += 1) {
    await Promise.all([
      lab.enqueue(noop, {}),
      sendTasks(lab.lovage.pool, [newTask({ queue: 'spare' }), newTask()]),
      lab.boss.send('diag', { name: 'diag.noop', input: {} }),
    ]);
  }
  over.abort();
  await reconciling;

  expect(mended).toEqual([]);
  expect(await lab.claim(1_000)).toHaveLength(180);
});

test('a transaction that enqueues and takes its time blocks neither claims nor reconcile', async ({
  lab,
}) => {
  await onConnection(lab.url, async (client) => {
    await client.query('BEGIN');
    const [slow] = await sendTasks(client, [newTask()]);
    const quick = await lab.enqueue(noop, {});
    expect((await lab.claim()).map(({ id }) => id)).toEqual([quick.id]);
    expect(await lab.sql('SELECT * FROM lovage.reconcile()')).toEqual([]);
    await client.query('COMMIT');
    expect((await lab.claim()).map(({ id }) => id)).toEqual([slow?.id]);
  });
});

/** Of every task its state, what came after its start, and how many results it has. */
const endings = (lab: JournalLab) =>
  lab.sql<{ id: string; state: string; ends: string; results: number }>(
    `SELECT t.id, t.state, (SELECT count(*)::int FROM lovage.task_result r WHERE r.task_id = t.id) AS results,
            (SELECT string_agg(e.type || ' ' || e.attempt, ', ' ORDER BY e.number) FROM lovage.task_event e
             WHERE e.task_id = t.id AND e.number > 2) AS ends
     FROM lovage.task t`,
  );
