import { randomUUID } from 'node:crypto';
import { describe } from 'vitest';
import { noop } from '../../packs/diag/tasks.ts';
import { cancelTasks } from '../../src/tasks/cancel-all.ts';
import { cancelTask } from '../../src/tasks/cancel.ts';
import { getResult } from '../../src/tasks/result.ts';
import { retryTasks } from '../../src/tasks/retry-all.ts';
import { retryTask } from '../../src/tasks/retry.ts';
import { sendTasks } from '../../src/queue/send.ts';
import type { SweepRequest } from '../../src/tasks/pick.ts';
import {
  expect,
  failed,
  handedBack,
  newTask,
  onConnection,
  succeeded,
  test,
  type JournalLab,
} from '../journal/journal-lab.ts';

const settledAs = async (lab: JournalLab, outcome: typeof failed) => {
  const claim = await lab.running();
  await lab.settle(claim, outcome);
  return claim;
};
const ids = (tasks: readonly { id: string }[]) => tasks.map(({ id }) => id);

describe('one task', () => {
  test('a failed task runs again under its own id, with its budget renewed and its history kept', async ({
    lab,
  }) => {
    const { id } = await settledAs(lab, failed);
    await lab.sql(
      `UPDATE lovage.task SET crashes = 2, overdue_at = now(), cancel_outcome = 'killed' WHERE id = $1`,
      [id],
    );

    const { task, outcome } = await retryTask(lab.lovage, lab.caller, id);

    expect(outcome).toBe('queued');
    expect(task).toMatchObject({
      id,
      state: 'queued',
      attempt: 1,
      error: null,
      crashes: 0,
      finishedAt: null,
      cancelOutcome: null,
    });
    expect(await lab.task(id)).toMatchObject({ failures: 0, overdue_at: null, cancel_outcome: null });
    expect(await lab.history(id)).toEqual(['queued 0', 'started 1', 'failed 1', 'requeued 1']);
    expect((await lab.events(id)).at(-1)?.data).toEqual({ by: 'key:test' });
    expect(await lab.claim()).toMatchObject([{ id, attempt: 2, failures: 0, crashes: 0 }]);
  });

  test('a succeeded task can be replayed: its result and its progress go, the next success brings new ones', async ({
    lab,
  }) => {
    const claim = await lab.running();
    const progress = { current: 4, total: 4, message: null };
    await lab.settle(claim, { ...succeeded, output: { value: 1 } } as typeof succeeded, { progress });
    expect(await getResult(lab.lovage, lab.caller, claim.id)).toEqual({ value: 1 });

    const { task } = await retryTask(lab.lovage, lab.caller, claim.id);

    expect(task).toMatchObject({ state: 'queued', result: null, progress: null });
    expect(await lab.sql('SELECT FROM lovage.task_result WHERE task_id = $1', [claim.id])).toEqual([]);
    const [again] = await lab.claim();
    expect(again).toMatchObject({ id: claim.id, attempt: 2 });
    await lab.settle(again ?? claim, { ...succeeded, output: { value: 2 } } as typeof succeeded);
    expect(await getResult(lab.lovage, lab.caller, claim.id)).toEqual({ value: 2 });
  });

  test('a task that is not final is left alone, and a second retry finds nothing to do', async ({ lab }) => {
    const claim = await lab.running();
    expect((await retryTask(lab.lovage, lab.caller, claim.id)).outcome).toBe('not_final');
    await lab.settle(claim, failed);
    expect((await retryTask(lab.lovage, lab.caller, claim.id)).outcome).toBe('queued');
    expect((await retryTask(lab.lovage, lab.caller, claim.id)).outcome).toBe('not_final');
    expect(await lab.history(claim.id)).toEqual(['queued 0', 'started 1', 'failed 1', 'requeued 1']);
  });

  test('what psql ended leaves its job behind, and is retried all the same', async ({ lab }) => {
    const { id } = await lab.enqueue(noop, {});
    await lab.byHand(`UPDATE pgboss.job SET state = 'failed' WHERE id = '${id}'`);
    expect(await lab.sql('SELECT lovage.retry($1) AS outcome', [id])).toEqual([{ outcome: 'queued' }]);
    expect((await lab.events(id)).at(-1)).toMatchObject({ type: 'requeued' });
    expect(await lab.claim()).toMatchObject([{ id, attempt: 1 }]);
  });

  test('SQL says what became of it', async ({ lab }) => {
    expect(await lab.sql('SELECT lovage.retry($1) AS outcome', [randomUUID()])).toEqual([
      { outcome: 'not_found' },
    ]);
  });

  test('of many retries at once one queues the task', async ({ lab }) => {
    const { id } = await settledAs(lab, failed);
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, async () => (await retryTask(lab.lovage, lab.caller, id)).outcome),
    );
    expect(outcomes.filter((outcome) => outcome === 'queued')).toHaveLength(1);
    expect(await lab.history(id)).toEqual(['queued 0', 'started 1', 'failed 1', 'requeued 1']);
  });

  test('a retry and a cancel at once have one outcome that both the state and the history tell', async ({
    lab,
  }) => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await settledAs(lab, failed);
      const [retried, cancelled] = await Promise.all([
        retryTask(lab.lovage, lab.caller, id),
        cancelTask(lab.lovage, lab.caller, id),
      ]);
      expect(retried.outcome).toBe('queued');
      const after =
        cancelled.outcome === 'cancelled'
          ? { state: 'cancelled', last: 'cancelled 1' }
          : { state: 'queued', last: 'requeued 1' };
      expect({ state: (await lab.get(id)).state, last: (await lab.history(id)).at(-1) }).toEqual(after);
      await cancelTask(lab.lovage, lab.caller, id);
    }
  });

  test('another tenant’s task is not found', async ({ lab }) => {
    const { id } = await settledAs(lab, failed);
    const stranger = { ...lab.caller, tenant: 'acme' };
    await expect(retryTask(lab.lovage, stranger, id)).rejects.toMatchObject({ code: 'task-not-found' });
    expect((await lab.get(id)).state).toBe('failed');
  });
});

describe('all that match', () => {
  /** Tasks that failed, and their jobs gone. */
  const failMany = async (lab: JournalLab, count: number, change: Parameters<typeof newTask>[0] = {}) => {
    const sent = await sendTasks(
      lab.lovage.pool,
      Array.from({ length: count }, () => newTask(change)),
    );
    for (const claim of await lab.claim(count, change.queue)) await lab.settle(claim, failed);
    return ids(sent);
  };
  const retryAll = async (lab: JournalLab, filter: SweepRequest) => {
    const pages: number[] = [];
    let cursor: string | undefined;
    do {
      const { queued, nextCursor } = await retryTasks(lab.lovage, lab.caller, { ...filter, cursor });
      pages.push(queued);
      cursor = nextCursor ?? undefined;
    } while (cursor);
    return pages;
  };

  test('the failed ones are retried page by page, each once, though they fail again at once', async ({
    lab,
  }) => {
    await failMany(lab, 7);
    const { id: alive } = await lab.enqueue(noop, {}, { delayMs: 60_000 });
    const pages: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await retryTasks(lab.lovage, lab.caller, { limit: 3, cursor });
      pages.push(page.queued);
      for (const claim of await lab.claim()) await lab.settle(claim, failed);
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    expect(pages).toEqual([3, 3, 1]);
    expect(await lab.sql('SELECT DISTINCT attempt FROM lovage.task WHERE id <> $1', [alive])).toEqual([
      { attempt: 2 },
    ]);
  });

  test('each filter is kept to: name, queue, state, tag, time', async ({ lab }) => {
    const [tagged] = await failMany(lab, 1, { tags: ['x'] });
    const [named] = await failMany(lab, 1, { name: 'diag.echo' });
    const [spare] = await failMany(lab, 1, { queue: 'spare' });
    const done = await settledAs(lab, succeeded);
    const queuedNow = async () =>
      ids(await lab.sql<{ id: string }>(`SELECT id FROM lovage.task WHERE state = 'queued' ORDER BY id`));
    expect(await retryAll(lab, { createdBefore: '2001-01-01T00:00:00Z' })).toEqual([0]);
    expect(await retryAll(lab, { createdAfter: '2200-01-01T00:00:00Z' })).toEqual([0]);
    await retryAll(lab, { tag: 'x' });
    expect(await queuedNow()).toEqual([tagged]);
    await retryAll(lab, { name: 'diag.echo' });
    expect(await queuedNow()).toEqual([tagged, named]);
    await retryAll(lab, { queue: 'spare', name: 'diag.noop' });
    expect(await queuedNow()).toEqual([tagged, named, spare]);
    await retryAll(lab, { state: ['succeeded', 'running'] });
    expect(await queuedNow()).toEqual([tagged, named, spare, done.id]);
  });

  test('a filter that no task could ever pass is refused', async ({ lab }) => {
    const onlyAlive = retryTasks(lab.lovage, lab.caller, { state: ['queued', 'running'] });
    await expect(onlyAlive).rejects.toMatchObject({ code: 'validation', faults: [{ pointer: '/state' }] });
    const onlyFinal = cancelTasks(lab.lovage, lab.caller, { state: ['failed'] });
    await expect(onlyFinal).rejects.toMatchObject({ code: 'validation', faults: [{ pointer: '/state' }] });
    const badCursor = retryTasks(lab.lovage, lab.caller, { cursor: 'nonsense' });
    await expect(badCursor).rejects.toMatchObject({ code: 'validation', faults: [{ pointer: 'cursor' }] });
  });

  test('cancelling takes all that is not final: waiting ones at once, running ones when they have stopped', async ({
    lab,
  }) => {
    const running = await lab.running();
    const { id: scheduled } = await lab.enqueue(noop, {}, { delayMs: 60_000 });
    const [spare] = await sendTasks(lab.lovage.pool, [newTask({ queue: 'spare' })]);
    const back = await lab.retrying();
    const done = await cancelTasks(lab.lovage, lab.caller, { reason: 'all of it' });
    expect(done).toEqual({ cancelled: 3, requested: 1, skipped: 0, nextCursor: null });
    for (const id of [scheduled, spare?.id ?? '', back.id]) {
      expect((await lab.events(id)).at(-1)).toMatchObject({
        type: 'cancelled',
        data: { by: 'key:test', reason: 'all of it' },
      });
    }
    expect(await lab.get(running.id)).toMatchObject({
      state: 'running',
      cancelRequestedBy: 'key:test',
      cancelReason: 'all of it',
    });
    expect(await lab.settle(running, succeeded)).toBe('cancelled');
    expect(await cancelTasks(lab.lovage, lab.caller, {})).toMatchObject({ cancelled: 0, requested: 0 });
  });

  test('what began to run since it was picked is not cancelled where only waiting ones were meant', async ({
    lab,
  }) => {
    const { id } = await lab.running();
    const [row] = await lab.sql<{ done: { cancelled: string[]; requested: string[] } }>(
      'SELECT to_jsonb(lovage.cancel_tasks($1, NULL, true, false)) AS done',
      [[id]],
    );
    expect(row?.done).toEqual({ cancelled: [], requested: [] });
    expect((await lab.get(id)).cancelRequestedAt).toBeNull();
  });

  test('other tenants’ tasks are neither retried nor cancelled', async ({ lab }) => {
    await failMany(lab, 2);
    await lab.enqueue(noop, {});
    const stranger = { ...lab.caller, tenant: 'acme' };
    expect(await retryTasks(lab.lovage, stranger, {})).toEqual({ queued: 0, skipped: 0, nextCursor: null });
    expect(await cancelTasks(lab.lovage, stranger, {})).toMatchObject({ cancelled: 0, requested: 0 });
  });

  test('sweeps of the same tasks in opposite spirits never deadlock, whatever order they name them in', async ({
    lab,
  }) => {
    const all = [...(await failMany(lab, 20)), ...(await failMany(lab, 20, { queue: 'spare' }))];
    const sweepBy = (call: string, named: string[]) =>
      lab.sql(`SELECT lovage.${call}($1::uuid[])`, [named]).catch((error: { code?: string }) => {
        // One may ask to be tried again; none may be a deadlock's victim.
        expect(error.code).toBe('40001');
      });
    for (let round = 0; round < 8; round += 1) {
      await Promise.all([
        sweepBy('retry_tasks', all),
        sweepBy('retry_tasks', all.toReversed()),
        sweepBy('cancel_tasks', all),
        sweepBy('cancel_tasks', all.toReversed()),
        lab.claim(5).then((claims) => Promise.all(claims.map((claim) => lab.settle(claim, handedBack)))),
      ]);
    }
    expect(await lab.violations()).toEqual([]);
  });

  test('a rare match in a long history is found within a few calls', async ({ lab }) => {
    const [first] = await failMany(lab, 1);
    await onConnection(lab.url, async (client) => {
      await client.query('SET session_replication_role = replica');
      await client.query(
        `INSERT INTO lovage.task (id, name, queue, state, finished_at, result_ttl_ms, events)
         SELECT lovage.uuid_v7(), 'diag.noop', 'diag', 'succeeded', now(), 0, 0 FROM generate_series(1, 45000)`,
      );
    });
    const [last] = await failMany(lab, 1);
    expect(await retryAll(lab, { queue: 'diag' })).toEqual([1, 0, 1]);
    expect((await lab.get(first ?? '')).state).toBe('queued');
    expect((await lab.get(last ?? '')).state).toBe('queued');
  });
});
