import { drizzle } from 'drizzle-orm/node-postgres';
import { sql } from 'drizzle-orm';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { echo, noop, sleep } from '../../packs/diag/tasks.ts';
import { cancelTask } from '../../src/tasks/cancel.ts';
import { enqueue } from '../../src/tasks/enqueue-in.ts';
import { writes, writesInProcess } from '../fixtures/execution.ts';
import { openLab, type Lab } from '../lab.ts';
import { inTransaction } from '../transaction.ts';
import { startDelays, startWorkerProcess } from '../worker/processes.ts';
import { createEffects, effectsOf, whenReporting } from './effects.ts';

let lab: Lab;
let pool: pg.Pool;
beforeAll(async () => {
  lab = await openLab();
  await createEffects(lab);
  await lab.sql('CREATE TABLE orders (id int PRIMARY KEY)');
  pool = new pg.Pool({ connectionString: lab.url, max: 2 });
  await startWorkerProcess(lab);
});
afterAll(async () => {
  await pool.end();
  await lab[Symbol.asyncDispose]();
});

const countOf = async (name: string) =>
  (await lab.sql<{ n: number }>('SELECT count(*)::int AS n FROM lovage.task WHERE name = $1', [name]))[0]?.n;

describe('enqueue in a transaction of the caller', () => {
  test('of Drizzle: the task is there when it commits, with its author', async () => {
    const task = await drizzle(pool).transaction(async (tx) => {
      await tx.execute(sql`INSERT INTO orders VALUES (1)`);
      const accepted = await enqueue(tx, echo, { value: 'paid' }, { tags: ['order:1'], createdBy: 'shop' });
      await expect(lab.get(accepted.id)).rejects.toMatchObject({ code: 'task-not-found' });
      return accepted;
    });
    expect(task).toMatchObject({ name: 'diag.echo', state: 'queued', createdBy: 'shop', tags: ['order:1'] });
    expect(new Date(task.createdAt).toISOString()).toBe(task.createdAt);
    expect(await lab.final(task.id)).toMatchObject({ state: 'succeeded', result: { value: 'paid' } });
  });

  test('of pg: the same', async () => {
    const { id } = await inTransaction(pool, async (tx) => enqueue(tx, echo, { value: 1 }, { priority: 5 }));
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', priority: 5 });
  });

  test('rolled back, it never was', async () => {
    await expect(
      drizzle(pool).transaction(async (tx) => {
        await tx.execute(sql`INSERT INTO orders VALUES (2)`);
        await enqueue(tx, noop, {});
        throw new Error('no stock');
      }),
    ).rejects.toThrow('no stock');
    expect(await countOf('diag.noop')).toBe(0);
    expect(await lab.sql('SELECT id FROM orders WHERE id = 2')).toEqual([]);
    expect(await lab.violations()).toEqual([]);
  });

  test('a bad input is refused before anything is sent, and the transaction goes on', async () => {
    await inTransaction(pool, async (tx) => {
      await expect(enqueue(tx, sleep, { ms: -1 })).rejects.toMatchObject({ code: 'validation' });
      await tx.query('INSERT INTO orders VALUES (3)');
    });
    expect(await lab.sql('SELECT id FROM orders WHERE id = 3')).toHaveLength(1);
  });

  test('the commit itself wakes the workers', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const { id } = await inTransaction(pool, (tx) => enqueue(tx, echo, { value: n }));
      await lab.final(id);
      ids.push(id);
    }
    const delays = (await startDelays(lab, ids)).toSorted((a, b) => a - b);
    // Unwoken, each would wait for a poll of its own, 2 s after the one before.
    expect(delays[2]).toBeLessThan(1_000);
  });
});

describe.each([
  ['inline', writes],
  ['process', writesInProcess],
])('what a handler writes on its success (%s)', (_isolation, definition) => {
  test('is there with the success', async () => {
    const { id } = await lab.enqueue(definition, {});
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded', result: { attempt: 1 } });
    expect(await effectsOf(lab, id)).toEqual(['1 1', '2 1']);
  });

  test('is not there when one of the writes fails, and the attempt fails with what it threw', async () => {
    const { id } = await lab.enqueue(definition, { fail: 'write' });
    expect(await lab.final(id)).toMatchObject({
      state: 'failed',
      result: null,
      error: { message: 'the last write fails' },
    });
    expect(await effectsOf(lab, id)).toEqual([]);
  });

  test.each(['hang', 'sleep'] as const)(
    'is not there when the writes go on past the hard limit, by which the attempt fails: %s',
    async (fail) => {
      const { id } = await lab.enqueue(definition, { fail }, { hardLimitMs: 200 });
      expect(await lab.final(id)).toMatchObject({
        state: 'failed',
        error: {
          code: 'time_limit',
          message: 'the writes of its onSettle have run for its hard limit of 200 ms',
        },
      });
      expect(await effectsOf(lab, id)).toEqual([]);
    },
  );

  test('is not there when the handler fails', async () => {
    const { id } = await lab.enqueue(definition, { fail: 'handler' });
    expect(await lab.final(id)).toMatchObject({ state: 'failed', error: { message: 'the handler fails' } });
    expect(await effectsOf(lab, id)).toEqual([]);
  });

  test('is not there when the task was cancelled meanwhile', async () => {
    const { id } = await lab.enqueue(definition, { ms: 800 });
    await whenReporting(lab, id);
    await cancelTask(lab.lovage, lab.caller, id);
    expect(await lab.final(id)).toMatchObject({ state: 'cancelled' });
    expect(await effectsOf(lab, id)).toEqual([]);
  });

  test('of an attempt that is no longer the task’s own is not there, of its successor it is', async () => {
    const { id } = await lab.enqueue(definition, { ms: 800 });
    await whenReporting(lab, id);
    await lab.sql("UPDATE pgboss.job SET state = 'created' WHERE id = $1", [id]);
    expect(await lab.final(id)).toMatchObject({ state: 'succeeded' });
    const effects = await effectsOf(lab, id);
    expect(effects).toEqual(['1 2', '2 2']);
    expect(await lab.violations()).toEqual([]);
  });
});
