import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cancelTask } from '../../src/tasks/cancel.ts';
import { explainTask } from '../../src/tasks/explain.ts';
import { listAttempts } from '../../src/tasks/attempts.ts';
import { retryTask } from '../../src/tasks/retry.ts';
import {
  catches,
  catchesInProcess,
  grandparent,
  leaves,
  mistakes,
  parent,
  parentInProcess,
} from '../fixtures/family.ts';
import { isFinal } from '../../src/wire.ts';
import { openLab, until, type Lab } from '../lab.ts';

let lab: Lab;
afterAll(() => lab[Symbol.asyncDispose]());

const childrenOf = (id: string) =>
  lab.sql<{ id: string; step: string; state: string; priority: number; by: string; tenant: string }>(
    `SELECT id, parent_step AS step, state, priority, created_by AS by, tenant FROM lovage.task WHERE parent_id = $1 ORDER BY id`,
    [id],
  );
/** The children of what `start` makes begin when it waits for them, or has ended. */
async function heldBack(start: () => Promise<{ id: string }>): Promise<string> {
  await lab.sql("SELECT lovage.pause('children')");
  const { id } = await start();
  await until(
    () => lab.get(id),
    ({ state }) => state === 'waiting' || isFinal(state),
  );
  await lab.sql("SELECT lovage.resume('children')");
  return id;
}
const whenWaiting = (id: string) =>
  until(
    () => lab.get(id),
    ({ state }) => state === 'waiting',
  );

describe('with a worker', () => {
  beforeAll(async () => {
    lab = await openLab();
    await lab.worker();
  });

  test.each([
    ['inline', parent],
    ['process', parentInProcess],
  ])(
    'a parent (%s) waits for its children, holds no slot, and goes on with their results',
    async (_where, definition) => {
      const id = await heldBack(() => lab.enqueue(definition, { values: [1, 2, 3] }, { priority: 7 }));
      expect(await lab.final(id)).toMatchObject({
        state: 'succeeded',
        attempt: 2,
        result: { sum: 12, states: ['succeeded', 'succeeded', 'succeeded'] },
      });
      const children = await childrenOf(id);
      expect(children).toMatchObject([
        { step: 'double 1', priority: 7, by: 'key:test', tenant: 'default' },
        { step: 'double 2' },
        { step: 'double 3' },
      ]);
      const events = await lab.events(id);
      expect(events.map(({ type }) => type).filter((type) => type !== 'progress')).toEqual([
        'queued',
        'started',
        'child',
        'child',
        'child',
        'waiting',
        'woken',
        'started',
        'succeeded',
      ]);
      expect(events.find(({ type }) => type === 'child')?.data).toEqual({
        child: children[0]?.id,
        step: 'double 1',
        name: 'family.child',
      });
      expect(events.find(({ type }) => type === 'waiting')?.data).toEqual({
        children: children.map((one) => one.id),
      });
      expect(await lab.get(children[0]?.id ?? '')).toMatchObject({ parentId: id, parentStep: 'double 1' });
      const { items } = await listAttempts(lab.lovage, lab.caller, id);
      expect(items.map(({ outcome }) => outcome)).toEqual(['waiting', 'succeeded']);
      expect(await lab.violations()).toEqual([]);
    },
  );

  test('failed children are outcomes like others', async () => {
    const { id } = await lab.enqueue(parent, { values: [1, 2], fail: true });
    expect(await lab.final(id)).toMatchObject({ result: { sum: 0, states: ['failed', 'failed'] } });
  });

  test('a chain of parents runs through a queue that has one place', async () => {
    const { id } = await lab.enqueue(grandparent, { depth: 4 });
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', result: { depth: 4 } });
    expect(await lab.violations()).toEqual([]);
  });

  test.each([
    ['rethrow', catches],
    ['wrap', catches],
    ['rethrow', catchesInProcess],
    ['wrap', catchesInProcess],
  ] as const)('a handler may %s what ends its run', async (what, definition) => {
    const id = await heldBack(() => lab.enqueue(definition, { what }));
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', result: { doubled: 6 } });
  });

  test.each([catches, catchesInProcess])(
    'one that swallows it fails and is told so ($name)',
    async (definition) => {
      const id = await heldBack(() => lab.enqueue(definition, { what: 'swallow' }));
      expect(await lab.final(id)).toMatchObject({
        state: 'failed',
        attempt: 1,
        error: { code: 'wait_swallowed' },
      });
    },
  );

  test.each([
    ['otherInput', 'step_reused'],
    ['otherTask', 'step_reused'],
    ['badInput', 'validation'],
    ['stranger', 'not_a_child'],
    ['badStep', 'step_invalid'],
    ['nul', 'step_invalid'],
  ] as const)('a mistake with a child (%s) fails the parent with a code (%s)', async (what, code) => {
    const { id } = await lab.enqueue(mistakes, { what });
    expect(await lab.final(id)).toMatchObject({ state: 'failed', error: { code } });
    expect(await childrenOf(id)).toHaveLength(1);
  });

  test('a child asked for twice at once is made once', async () => {
    const { id } = await lab.enqueue(leaves, {});
    const { result } = await lab.final(id);
    const children = await childrenOf(id);
    expect(children.map(({ step }) => step)).toEqual(['same', 'other']);
    expect(result).toEqual([children[0]?.id, children[0]?.id, children[1]?.id]);
    expect(children[1]?.state).toBe('queued');
  });

  test('explain names the children that a parent waits for', async () => {
    const { id } = await lab.enqueue(parent, { values: [1, 2], ms: 60_000 });
    await whenWaiting(id);
    const { reasons } = await explainTask(lab.lovage, lab.caller, id);
    const [first] = await childrenOf(id);
    expect(reasons).toMatchObject([{ reason: 'waiting_for_children' }]);
    expect(reasons[0]?.detail).toContain(
      `2 of 2 child tasks are not final: "double 1" family.child ${first?.id}`,
    );
    await cancelTask(lab.lovage, lab.caller, id);
  });

  test('a waiting task is cancelled at once, and its children with it', async () => {
    const { id } = await lab.enqueue(parent, { values: [1, 2], ms: 60_000 });
    await whenWaiting(id);
    const { task, outcome } = await cancelTask(lab.lovage, lab.caller, id, { reason: 'enough' });
    expect({ state: task.state, outcome }).toEqual({ state: 'cancelled', outcome: 'cancelled' });
    const children = await until(
      () => childrenOf(id),
      (all) => all.every(({ state }) => state === 'cancelled'),
    );
    const history = await lab.events(children[0]?.id ?? '');
    expect(history.at(-1)).toMatchObject({
      type: 'cancelled',
      data: { by: 'lovage', reason: 'its parent was cancelled' },
    });
    expect(await lab.violations()).toEqual([]);
  });

  test('a running task that is cancelled takes the children with it that it has made', async () => {
    const { id } = await lab.enqueue(leaves, { ms: 60_000, childMs: 60_000 });
    await until(
      () => childrenOf(id),
      (all) => all.length === 2,
    );
    await cancelTask(lab.lovage, lab.caller, id);
    await until(
      () => childrenOf(id),
      (all) => all.every(({ state }) => state === 'cancelled'),
    );
    expect(await lab.violations()).toEqual([]);
  });

  test('a parent that is retried finds the children it had', async () => {
    const id = await heldBack(() => lab.enqueue(parent, { values: [4], fail: true }));
    await lab.final(id);
    const before = await childrenOf(id);
    await retryTask(lab.lovage, lab.caller, before[0]?.id ?? '');
    await lab.final(before[0]?.id ?? '');
    await retryTask(lab.lovage, lab.caller, id);
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', attempt: 3 });
    expect((await childrenOf(id)).map((one) => one.id)).toEqual(before.map((one) => one.id));
  });

  test.each([
    ['DELETE FROM pgboss.job WHERE id = $1', 'cancelled'],
    ["UPDATE pgboss.job SET state = 'cancelled' WHERE id = $1", 'cancelled'],
    ["UPDATE pgboss.job SET state = 'completed' WHERE id = $1", 'succeeded'],
    ["UPDATE pgboss.job SET state = 'failed' WHERE id = $1", 'failed'],
  ])('by hand: %s on a waiting task', async (statement, state) => {
    const { id } = await lab.enqueue(parent, { values: [1], ms: 60_000 });
    await whenWaiting(id);
    await lab.sql(statement, [id]);
    expect(await lab.get(id)).toMatchObject({ state });
    expect(await lab.sql('SELECT * FROM lovage.task_wait WHERE task_id = $1', [id])).toEqual([]);
    const [only] = await childrenOf(id);
    if (state === 'cancelled') expect(await lab.final(only?.id ?? '')).toMatchObject({ state: 'cancelled' });
    else await cancelTask(lab.lovage, lab.caller, only?.id ?? '');
    expect(await lab.violations()).toEqual([]);
  });

  test('an end that no trigger saw is found by reconcile', async () => {
    const { id } = await lab.enqueue(parent, { values: [1], ms: 60_000 });
    await whenWaiting(id);
    const [only] = await childrenOf(id);
    const client = await lab.lovage.pool.connect();
    try {
      await client.query('BEGIN; SET LOCAL session_replication_role = replica');
      await client.query("UPDATE lovage.task SET state = 'succeeded', finished_at = now() WHERE id = $1", [
        only?.id,
      ]);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
    expect(await lab.violations()).toContainEqual(
      expect.objectContaining({ invariant: 'waiting', task_id: id }),
    );
    await lab.sql('SELECT lovage.reconcile()');
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
  });
});
