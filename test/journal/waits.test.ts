import { describe } from 'vitest';
import { addBatch, type NewBatch } from '../../src/queue/batches.ts';
import { addChildren } from '../../src/queue/children.ts';
import type { Claim } from '../../src/queue/claim.ts';
import { followUp } from '../../src/queue/follow-up.ts';
import { settleAttempts, type Outcome } from '../../src/queue/settle.ts';
import { inTransaction } from '../transaction.ts';
import { expect, newTask, onConnection, succeeded, test, until, type JournalLab } from './journal-lab.ts';

/** A parent whose first attempt runs, with children that run too. */
async function family(
  lab: JournalLab,
  steps: readonly string[],
): Promise<{ parent: Claim; children: Claim[] }> {
  const parent = await lab.running();
  const made = await addChildren(
    lab.lovage.pool,
    parent,
    steps.map((parentStep) => ({ ...newTask(), parentStep })),
  );
  const claimed = await lab.claim();
  const children = made.map(({ id }) => claimed.find((claim) => claim.id === id) as Claim);
  return { parent, children };
}

const waitingFor = (children: readonly Claim[]): Outcome => ({
  kind: 'waiting',
  children: children.map(({ id }) => id),
});
const nothingSaid = { progress: null, events: [] };
const settleIn = (
  lab: JournalLab,
  executor: Parameters<typeof settleAttempts>[0],
  claim: Claim,
  outcome: Outcome,
) =>
  settleAttempts(executor, 'diag', lab.workerId, [
    { id: claim.id, attempt: claim.attempt, ...nothingSaid, ...outcome },
  ]);
const stateOf = async (lab: JournalLab, { id }: Claim) => (await lab.task(id))?.state;
const whenLocked = (lab: JournalLab) =>
  until(() =>
    lab
      .sql(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
      .then(({ length }) => length > 0),
  );

describe('a parent that waits', () => {
  test('is woken by the end of its last child, and only by that', async ({ lab }) => {
    const { parent, children } = await family(lab, ['a', 'b']);
    expect(await lab.settle(parent, waitingFor(children))).toBe('waiting');
    await lab.settle(children[0] as Claim, succeeded);
    expect(await followUp(lab.lovage.pool)).toEqual({ done: 1, refused: [] });
    expect(await stateOf(lab, parent)).toBe('waiting');
    expect(await lab.claim()).toEqual([]);
    await lab.settle(children[1] as Claim, succeeded);
    await followUp(lab.lovage.pool);
    expect(await lab.claim()).toMatchObject([{ id: parent.id, attempt: 2, failures: 0 }]);
    await lab.settle({ id: parent.id, attempt: 2 }, succeeded);
  });

  test('is queued at once when its children ended between its look and its settle', async ({ lab }) => {
    const { parent, children } = await family(lab, ['a']);
    await lab.settle(children[0] as Claim, succeeded);
    await followUp(lab.lovage.pool);
    expect(await lab.settle(parent, waitingFor(children))).toBe('queued');
    expect(await lab.history(parent.id)).toEqual([
      'queued 0',
      'started 1',
      'child 1',
      'waiting 1',
      'woken 1',
    ]);
    expect(await lab.sql('SELECT * FROM lovage.task_wait')).toEqual([]);
  });

  test('is woken when a child commits after it looked, though it began to settle first', async ({ lab }) => {
    const { parent, children } = await family(lab, ['a']);
    await inTransaction(lab.lovage.pool, async (tx) => {
      await settleIn(lab, tx, children[0] as Claim, succeeded);
      expect(await lab.settle(parent, waitingFor(children))).toBe('waiting');
    });
    await followUp(lab.lovage.pool);
    expect(await stateOf(lab, parent)).toBe('queued');
  });

  test('is woken by a follow-up that came while its settle was not yet committed', async ({ lab }) => {
    const { parent, children } = await family(lab, ['a']);
    let following: Promise<unknown> | undefined;
    await inTransaction(lab.lovage.pool, async (tx) => {
      expect(await settleIn(lab, tx, parent, waitingFor(children))).toMatchObject([{ state: 'waiting' }]);
      await lab.settle(children[0] as Claim, succeeded);
      following = followUp(lab.lovage.pool);
      await whenLocked(lab);
    });
    await following;
    expect(await stateOf(lab, parent)).toBe('queued');
  });

  test('is woken once by two last children that settle together, and two workers that follow up together', async ({
    lab,
  }) => {
    for (let round = 0; round < 6; round += 1) {
      const { parent, children } = await family(lab, ['a', 'b']);
      await lab.settle(parent, waitingFor(children));
      await onConnection(lab.url, (other) =>
        Promise.all([
          lab.settle(children[0] as Claim, succeeded).then(() => followUp(lab.lovage.pool)),
          settleIn(lab, other, children[1] as Claim, succeeded).then(() => followUp(other)),
        ]),
      );
      expect((await lab.history(parent.id)).filter((event) => event.startsWith('woken'))).toEqual([
        'woken 1',
      ]);
      await lab.claim();
      await lab.settle({ id: parent.id, attempt: 2 }, succeeded);
    }
  });

  test('is woken by the next look when the one before broke off', async ({ lab }) => {
    const { parent, children } = await family(lab, ['a']);
    await lab.settle(parent, waitingFor(children));
    await lab.settle(children[0] as Claim, succeeded);
    await expect(
      inTransaction(lab.lovage.pool, async (tx) => {
        await followUp(tx);
        throw new Error('its worker died');
      }),
    ).rejects.toThrow('its worker died');
    expect(await stateOf(lab, parent)).toBe('waiting');
    expect(await lab.violations()).toEqual([]);
    await followUp(lab.lovage.pool);
    expect(await stateOf(lab, parent)).toBe('queued');
  });

  test('comes back waiting when its job is lost behind the journal’s back', async ({ lab }) => {
    const { parent, children } = await family(lab, ['a']);
    await lab.settle(parent, waitingFor(children));
    await lab.unseen('DELETE FROM pgboss.job WHERE id = $1', [parent.id]);
    await lab.sql('SELECT lovage.reconcile()');
    expect(await stateOf(lab, parent)).toBe('waiting');
    expect(await lab.claim()).toEqual([]);
    expect(await lab.violations()).toEqual([]);
  });

  test('let go by hand runs again and waits again', async ({ lab }) => {
    const { parent, children } = await family(lab, ['a']);
    await lab.settle(parent, waitingFor(children));
    await lab.byHand(`UPDATE pgboss.job SET blocked = false WHERE id = '${parent.id}'`);
    expect(await lab.history(parent.id)).toContain('requeued 1');
    const [again] = await lab.claim();
    expect(again).toMatchObject({ id: parent.id, attempt: 2 });
    expect(await lab.settle(again as Claim, waitingFor(children))).toBe('waiting');
  });
});

describe('children', () => {
  test('are found again by a later attempt, and made by none that is not the task’s own', async ({ lab }) => {
    const parent = await lab.running();
    const child = { ...newTask({ input: { n: 1 } }), parentStep: 'a' };
    const [first] = await addChildren(lab.lovage.pool, parent, [child]);
    await lab.byHand(`UPDATE pgboss.job SET state = 'created' WHERE id = '${parent.id}'`);
    expect(await addChildren(lab.lovage.pool, parent, [{ ...child, parentStep: 'b' }])).toEqual([]);
    const again = (await lab.claim()).find(({ id }) => id === parent.id) as Claim;
    expect(await addChildren(lab.lovage.pool, parent, [{ ...child, parentStep: 'b' }])).toEqual([]);
    expect(await addChildren(lab.lovage.pool, again, [child])).toEqual([{ id: first?.id, isSame: true }]);
    expect(await addChildren(lab.lovage.pool, again, [{ ...child, input: { n: 2 } }])).toEqual([
      { id: first?.id, isSame: false },
    ]);
    expect(await lab.sql('SELECT id FROM lovage.task WHERE parent_id = $1', [parent.id])).toEqual([
      { id: first?.id },
    ]);
  });

  test('in a queue that is not declared are refused', async ({ lab }) => {
    const parent = await lab.running();
    const lost = { ...newTask({ queue: 'nowhere' }), parentStep: 'a' };
    await expect(addChildren(lab.lovage.pool, parent, [lost])).rejects.toThrow(
      'queue "nowhere" is not declared',
    );
  });
});

describe('a batch', () => {
  const add = (lab: JournalLab, size: number, more: Partial<NewBatch> = {}) =>
    addBatch(
      lab.lovage.pool,
      { tenant: 'default', label: null, createdBy: 'key:test', ...more },
      Array.from({ length: size }, () => newTask()),
    );
  const finishedOf = async (lab: JournalLab, id: string) =>
    (
      await lab.sql<{ at: Date | null; next: string | null }>(
        'SELECT finished_at AS at, follow_up_id AS next FROM lovage.batch WHERE id = $1',
        [id],
      )
    )[0];

  test('finishes once when its last two tasks settle together, over and over', async ({ lab }) => {
    for (let round = 0; round < 4; round += 1) {
      const { id } = await add(lab, 2, { followUp: newTask() });
      const [one, other] = (await lab.claim()) as [Claim, Claim];
      await onConnection(lab.url, (connection) =>
        Promise.all([
          lab.settle(one, succeeded).then(() => followUp(lab.lovage.pool)),
          settleIn(lab, connection, other, succeeded).then(() => followUp(connection)),
        ]),
      );
      expect(await finishedOf(lab, id)).toMatchObject({ at: expect.any(Date), next: expect.any(String) });
      const [after, ...rest] = await lab.claim();
      expect(rest).toEqual([]);
      expect(after).toMatchObject({ id: (await finishedOf(lab, id))?.next });
      await lab.settle(after as Claim, succeeded);
    }
  });

  test('finishes once when two workers look at the ends of its tasks, one by one', async ({ lab }) => {
    const { id } = await add(lab, 2, { followUp: newTask() });
    for (const claim of await lab.claim()) await lab.settle(claim, succeeded);
    let other: Promise<unknown> | undefined;
    await inTransaction(lab.lovage.pool, async (tx) => {
      await tx.query('SELECT lovage.follow_up(1)');
      other = lab.sql('SELECT * FROM lovage.follow_up(1)');
      await whenLocked(lab);
    });
    expect(await other).toEqual([{ done: 1, refused: [] }]);
    expect(await lab.claim()).toMatchObject([{ id: (await finishedOf(lab, id))?.next }]);
  });

  test('that Postgres refuses to finish keeps no other from its end, and is tried again', async ({ lab }) => {
    const lost = await add(lab, 1, { followUp: newTask({ queue: 'nowhere' }) });
    const fine = await add(lab, 1);
    for (const claim of await lab.claim()) await lab.settle(claim, succeeded);
    expect(await followUp(lab.lovage.pool)).toEqual({
      done: 1,
      refused: [{ batch: lost.id, message: 'queue "nowhere" is not declared' }],
    });
    expect((await finishedOf(lab, fine.id))?.at).not.toBeNull();
    expect((await finishedOf(lab, lost.id))?.at).toBeNull();
    await lab.sql(`UPDATE lovage.batch SET follow_up = follow_up || '{"queue": "diag"}' WHERE id = $1`, [
      lost.id,
    ]);
    expect(await followUp(lab.lovage.pool)).toEqual({ done: 1, refused: [] });
    expect((await finishedOf(lab, lost.id))?.next).not.toBeNull();
  });

  test('ends however its tasks end: by hand, by a truncate', async ({ lab }) => {
    const deleted = await add(lab, 2);
    await lab.byHand('DELETE FROM pgboss.job');
    const truncated = await add(lab, 2);
    await lab.byHand('TRUNCATE pgboss.job');
    while ((await followUp(lab.lovage.pool)).done > 0);
    for (const { id } of [deleted, truncated]) expect((await finishedOf(lab, id))?.at).not.toBeNull();
  });

  test('gets its follow-up without results where these are too large, and is told so', async ({ lab }) => {
    await add(lab, 20, { followUp: newTask() });
    const large: Outcome = { kind: 'succeeded', output: 'x'.repeat(1024 * 1024 - 10), ttlMs: 60_000 };
    for (const claim of await lab.claim()) await lab.settle(claim, large);
    await followUp(lab.lovage.pool);
    const [after] = (await lab.claim()) as [Claim];
    const { results, resultsOmitted } = after.input as {
      results: { result: unknown }[];
      resultsOmitted: boolean;
    };
    expect({ resultsOmitted, kept: results.filter(({ result }) => result !== null).length }).toEqual({
      resultsOmitted: true,
      kept: 0,
    });
  });
});

describe('what is broken by hand is found', () => {
  const broken = (lab: JournalLab) =>
    lab
      .violations()
      .then((rows) =>
        (rows as { invariant: string; detail: string }[]).map(
          ({ invariant, detail }) => `${invariant}: ${detail}`,
        ),
      );

  test('a task that waits for nothing, and one that waits in vain', async ({ lab }) => {
    const { parent, children } = await family(lab, ['a']);
    await lab.settle(parent, waitingFor(children));
    await lab.unseen('DELETE FROM lovage.task_wait');
    expect(await broken(lab)).toEqual(['waiting: task waits, and for nothing']);
    await lab.sql('SELECT lovage.reconcile()');
    await followUp(lab.lovage.pool);
    expect(await stateOf(lab, parent)).toBe('queued');
    await lab.sql('INSERT INTO lovage.task_wait (task_id, children) VALUES ($1, $2)', [
      parent.id,
      [parent.id],
    ]);
    expect(await broken(lab)).toEqual(['waiting: children are kept for a task that is queued']);
    await lab.sql('SELECT lovage.reconcile()');
  });

  test('an end that was not noted', async ({ lab }) => {
    const { parent, children } = await family(lab, ['a']);
    await lab.settle(parent, waitingFor(children));
    await lab.settle(children[0] as Claim, succeeded);
    const { rows } = await lab.lovage.pool.query('SELECT lovage.add_batch($1, $2)', [
      JSON.stringify({ tenant: 'default' }),
      JSON.stringify([newTask()]),
    ]);
    expect(rows).toHaveLength(1);
    for (const claim of await lab.claim()) await lab.settle(claim, succeeded);
    await lab.sql('DELETE FROM lovage.task_end');
    expect(await broken(lab)).toEqual([
      'waiting: all its children are final, and nobody will wake it',
      'batches: all tasks of the batch are final, and nobody will finish it',
    ]);
    await lab.sql('SELECT lovage.reconcile()');
    await followUp(lab.lovage.pool);
    expect(await broken(lab)).toEqual([]);
  });

  test('a job that is held back and its task that is not', async ({ lab }) => {
    const { id } = await lab.running();
    await lab.byHand(`UPDATE pgboss.job SET state = 'created' WHERE id = '${id}'`);
    await lab.unseen('UPDATE pgboss.job SET blocked = true WHERE id = $1', [id]);
    expect(await broken(lab)).toEqual(['one-job-per-task: task is queued but its job is created']);
    await lab.sql('SELECT lovage.reconcile()');
    await followUp(lab.lovage.pool);
    expect((await lab.task(id))?.state).toBe('queued');
  });
});
