import { describe } from 'vitest';
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
    for (let round = 0; round < 25; round += 1) {
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
