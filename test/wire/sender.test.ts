import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noop } from '../../packs/diag/tasks.ts';
import { toLovageError } from '../../src/api/errors.ts';
import type { LovageError } from '../../src/errors.ts';
import { Sender } from '../../src/queue/sender.ts';
import type { NewTask } from '../../src/queue/send.ts';
import { enqueueTask } from '../../src/tasks/enqueue.ts';
import { uuidV7 } from '../../src/uuid.ts';
import { newTask } from '../journal/journal-lab.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { inTransaction } from '../transaction.ts';
import { openWire } from '../worker/processes.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const several = (count: number, tag: string): NewTask[] =>
  Array.from({ length: count }, (_, n) => newTask({ input: { n }, tags: [tag] }));
/** The inputs of the tasks of each commit. */
const commitsOf = async (tag: string): Promise<number[][]> =>
  (
    await lab.sql<{ inputs: number[] }>(
      `SELECT array_agg((input ->> 'n')::int ORDER BY id) AS inputs FROM lovage.task
       WHERE tags @> ARRAY[$1] GROUP BY xmin::text ORDER BY min(id::text)`,
      [tag],
    )
  ).map(({ inputs }) => inputs);
const sizesOf = async (tag: string) => (await commitsOf(tag)).map(({ length }) => length);

/** While `work` goes on nothing can be enqueued. */
const whileHeldUp = <Result>(work: () => Promise<Result>): Promise<Result> =>
  inTransaction(lab.lovage.pool, async (tx) => {
    await tx.query('LOCK TABLE lovage.task IN SHARE MODE');
    return work();
  });
const whenHeldUp = (count: number) =>
  until(
    () =>
      lab.sql(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%add_tasks%'`,
      ),
    (rows) => rows.length === count,
  );

describe('tasks share a commit', () => {
  test('when they come in one turn of the event loop, and each caller gets its own', async () => {
    const { sender } = lab.lovage;
    const tasks = several(20, 'turn').map((task) => ({
      ...task,
      priority: (task.input as { n: number }).n,
    }));
    const rows = await Promise.all(tasks.map((task) => sender.send(task)));
    expect(rows.map(({ priority }) => priority)).toEqual(tasks.map(({ priority }) => priority));
    expect(await commitsOf('turn')).toEqual([tasks.map(({ priority }) => priority)]);
  });

  test('when they come while the groups before them are under way', async () => {
    const sender = new Sender(lab.lovage.pool, { lanes: 1 });
    const [first, second, third] = several(3, 'busy') as [NewTask, NewTask, NewTask];
    const sent = await whileHeldUp(async () => {
      const lone = sender.send(first);
      await whenHeldUp(1);
      const others = [sender.send(second)];
      await new Promise(setImmediate);
      others.push(sender.send(third));
      return [lone, ...others];
    });
    await Promise.all(sent);
    expect(await sizesOf('busy')).toEqual([1, 2]);
  });

  test('up to a number and a size', async () => {
    const sender = new Sender(lab.lovage.pool, { maxGroup: 3 });
    await Promise.all(several(7, 'number').map((task) => sender.send(task)));
    expect((await sizesOf('number')).toSorted((a, b) => a - b)).toEqual([1, 3, 3]);

    const large = Array.from({ length: 4 }, (_, n) =>
      newTask({ input: { n, text: 'x'.repeat(400_000) }, tags: ['size'] }),
    );
    await Promise.all(large.map((task) => lab.lovage.sender.send(task)));
    expect(await sizesOf('size')).toEqual([2, 2]);
  });

  test('but for one whose input comes as a text, which goes alone', async () => {
    const { sender } = lab.lovage;
    const tasks = several(5, 'apart');
    const sent = tasks.map((task, n) =>
      n === 2 ? sender.send(task, Buffer.from('{"n": 2, "apart": true}')) : sender.send(task),
    );
    const ids = (await Promise.all(sent)).map(({ id }) => id);
    expect(await commitsOf('apart')).toEqual([[0, 1], [2], [3, 4]]);
    expect(await lab.get(ids[2] ?? '')).toMatchObject({ state: 'queued', input: { n: 2, apart: true } });
    expect(await lab.violations()).toEqual([]);
  });
});

describe('a group that Postgres refuses', () => {
  const BAD: [string, Partial<NewTask>][] = [
    ['a value that no task may have', { maxAttempts: 0 }],
    ['an input that cannot be stored', { input: { n: 5, text: '\0' } }],
    ['a queue that was dropped', { queue: 'spare' }],
  ];
  test.each(BAD)(
    'for %s is split until the bad task stands alone; the others are accepted once',
    async (what, bad) => {
      if (bad.queue) await lab.sql('SELECT pgboss.delete_queue($1)', [bad.queue]);
      const { sender } = lab.lovage;
      const tasks = several(9, what).map((task, n) => (n === 5 ? { ...task, ...bad } : task));
      const answers = await Promise.allSettled(tasks.map((task) => sender.send(task)));
      expect(answers.map(({ status }) => status)).toEqual(
        tasks.map((_, n) => (n === 5 ? 'rejected' : 'fulfilled')),
      );
      expect((await commitsOf(what)).flat().toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 6, 7, 8]);
    },
  );

  test('because an id was taken is split too', async () => {
    const { sender } = lab.lovage;
    const id = uuidV7();
    const [one, two, three] = several(3, 'taken') as [NewTask, NewTask, NewTask];
    const answers = await Promise.allSettled([
      sender.send({ ...one, id }),
      sender.send({ ...two, id }),
      sender.send(three),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});

test('an enqueue to a queue that was dropped is told so, and that others know how to bring it back', async () => {
  await lab.sql("SELECT pgboss.delete_queue('solo')");
  const task = { ...noop, name: 'diag.lost', queue: 'solo' };
  const config = { ...lab.lovage.config, tasks: new Map([[task.name, task]]) };
  const error = await enqueueTask({ ...lab.lovage, config }, lab.caller, {
    name: task.name,
    input: {},
  }).catch((thrown: unknown) => toLovageError(thrown));
  expect(error).toMatchObject({ code: 'queue-unavailable', retryAfter: 60 });
  expect((error as LovageError).message).toMatch(/queue "solo" was dropped.*lovage migrate/);
  expect(await lab.sql("SELECT FROM lovage.task WHERE name = 'diag.lost'")).toEqual([]);
});

test('a group whose answer was lost is not sent again, and each of its callers is told that it may be there', async () => {
  await using wire = await openWire(lab.url);
  const pool = new pg.Pool({ connectionString: wire.url, max: 1 });
  pool.on('error', () => undefined);
  const sender = new Sender(pool);
  await sender.send(newTask());
  const cut = wire.cutAnswer('lovage_add_tasks', 'SELECT');
  const before = wire.sent('lovage_add_tasks');
  const answers = await Promise.allSettled(several(10, 'unanswered').map((task) => sender.send(task)));
  await cut;
  for (const answer of answers) {
    const error = toLovageError((answer as PromiseRejectedResult).reason);
    expect(error).toMatchObject({ code: 'queue-unavailable' });
    expect(error.message).toMatch(/may have been carried out/);
  }
  expect(wire.sent('lovage_add_tasks')).toBe(before + 1);
  expect(
    await until(
      () => sizesOf('unanswered'),
      (sizes) => sizes.length > 0,
    ),
  ).toEqual([10]);
  await pool.end();
});

describe('when Postgres is too slow', () => {
  test('what waited too long is refused unsent, and what comes after goes on', async () => {
    const sender = new Sender(lab.lovage.pool, { lanes: 1, maxWaitMs: 20 });
    const [first, late] = several(2, 'slow') as [NewTask, NewTask];
    const [lone, waiting] = await whileHeldUp(async () => {
      const sent = sender.send(first);
      await whenHeldUp(1);
      const since = performance.now();
      const second = sender.send(late).catch((error: unknown) => error);
      await until(() => performance.now() - since > 25);
      return [sent, second] as const;
    });
    await lone;
    expect(await waiting).toMatchObject({
      code: 'queue-unavailable',
      message: expect.stringMatching(/can be sent again/),
    });
    await sender.send(newTask());
    expect(await sizesOf('slow')).toEqual([1]);
  });

  test('no more waits than fits in memory, and then new ones are taken again', async () => {
    const sender = new Sender(lab.lovage.pool, { lanes: 1, maxWaitingChars: 3_000 });
    const large = newTask({ input: { text: 'x'.repeat(1_000) } });
    const sent = await whileHeldUp(async () => {
      const first = sender.send(newTask());
      await whenHeldUp(1);
      const waiting = [sender.send(large), sender.send(large)];
      await expect(sender.send(large)).rejects.toMatchObject({ code: 'queue-unavailable' });
      await expect(sender.send(newTask(), Buffer.alloc(1_000, ' '))).rejects.toMatchObject({
        code: 'queue-unavailable',
      });
      return [first, ...waiting];
    });
    await Promise.all(sent);
    await sender.send(large);
  });
});

test('ids sort by when they were made, and no two are the same', () => {
  const ids = Array.from({ length: 20_000 }, () => uuidV7());
  expect(ids).toEqual(ids.toSorted());
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids.slice(0, 100)) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  expect(Number.parseInt((ids[0] ?? '').replace('-', '').slice(0, 12), 16)).toBeCloseTo(Date.now(), -4);
});
