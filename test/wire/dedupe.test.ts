import { drizzle } from 'drizzle-orm/node-postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { enqueue } from '../../src/index.ts';
import { sendTasks } from '../../src/queue/send.ts';
import { sweepKeyBatch, type SweepPlace } from '../../src/queue/sweep-keys.ts';
import { defineTask } from '../../src/task.ts';
import { newTask } from '../../src/tasks/enqueue.ts';
import { retryTasks } from '../../src/tasks/retry-all.ts';
import { openHttpLab, pointers, ROOT_KEY, serve, type HttpLab, type Server } from '../api/http-lab.ts';
import { until } from '../lab.ts';
import { inTransaction } from '../transaction.ts';
import config, { byKey } from './once.config.ts';

let lab: HttpLab;
let other: Server;
beforeAll(async () => {
  lab = await openHttpLab(new URL('./once.config.ts', import.meta.url).pathname);
  other = await serve(lab.lab.url, undefined, config);
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

const submit = (
  name: string,
  body: object,
  { query = '', key = ROOT_KEY, node = lab }: { query?: string; key?: string; node?: Server } = {},
) => node.call('POST', `/v1/tasks/${name}${query}`, { body, key });
const cancel = (id: string) => lab.call('POST', `/v1/tasks/${id}/cancel`);
const countOf = async (of: string): Promise<number> =>
  (
    await lab.lab.sql<{ n: number }>("SELECT count(*)::int AS n FROM lovage.task WHERE input ->> 'of' = $1", [
      of,
    ])
  )[0]?.n ?? 0;

describe('an enqueue with the key of a task that is not final', () => {
  test('is answered with that task, marked, and makes none', async () => {
    const first = await submit('once.byKey', { of: 'one', more: 1 });
    expect(first.body).not.toHaveProperty('deduplicated');
    expect(first.headers.get('lovage-deduplicated')).toBeNull();

    const second = await submit('once.byKey', { of: 'one', more: 2 }, { query: '?include=input' });
    expect(second).toMatchObject({
      status: 202,
      body: { id: first.body.id, deduplicated: true, input: { of: 'one', more: 1 } },
    });
    expect(second.headers.get('lovage-deduplicated')).toBe('true');
    expect((await lab.call('GET', `/v1/tasks/${first.body.id}`)).body).not.toHaveProperty('deduplicated');

    const client = createClient<typeof config>({ url: lab.api.url, apiKey: ROOT_KEY });
    expect(await client.enqueue('once.byKey', { of: 'one' })).toMatchObject({
      id: first.body.id,
      deduplicated: true,
    });
    expect(await countOf('one')).toBe(1);
    expect(await lab.lab.eventTypes(first.body.id)).toEqual(['queued']);
  });

  test('makes a new one once that is final', async () => {
    const first = await submit('once.byKey', { of: 'two' });
    await cancel(first.body.id);
    const second = await submit('once.byKey', { of: 'two' });
    expect(second.body.id).not.toBe(first.body.id);
    expect((await submit('once.byKey', { of: 'two' })).body).toMatchObject({
      id: second.body.id,
      deduplicated: true,
    });
  });

  test('sent fifty times at once to two nodes makes exactly one task, which all of them get', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        submit('once.byKey', { of: 'fifty', more: n }, { node: n % 2 ? lab : other }),
      ),
    );
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ body }) => body.deduplicated)).toHaveLength(49);
    expect(await countOf('fifty')).toBe(1);
  });

  test('makes one new task where two at once find that the holder has ended', async () => {
    const first = await submit('once.byKey', { of: 'ended' });
    await cancel(first.body.id);
    const sent = await inTransaction(lab.lab.lovage.pool, async (tx) => {
      await tx.query("SELECT FROM lovage.dedupe_key WHERE key = 'ended' FOR UPDATE");
      const both = [lab, other].map((node) => submit('once.byKey', { of: 'ended' }, { node }));
      await until(
        () =>
          lab.lab.sql(
            `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%add_task_once%'`,
          ),
        (rows) => rows.length === 2,
      );
      return both;
    });
    const [one, two] = await Promise.all(sent);
    expect(one?.body.id).toBe(two?.body.id);
    expect(await countOf('ended')).toBe(2);
  });

  test('of another tenant, or of another definition, is no duplicate', async () => {
    const acme = await lab.keyFor(['enqueue'], 'acme');
    const answers = [
      await submit('once.byKey', { of: 'ours' }),
      await submit('once.byKey', { of: 'ours' }, { key: acme }),
      await submit('once.byInput', { of: 'ours' }),
    ];
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(3);
  });

  test('under an idempotency key too is what that key stands for', async () => {
    const first = await submit('once.byKey', { of: 'both' });
    const again = () =>
      lab.call('POST', '/v1/tasks/once.byKey', {
        body: { of: 'both' },
        headers: { 'idempotency-key': 'both' },
      });
    expect((await again()).body).toMatchObject({ id: first.body.id, deduplicated: true });
    await cancel(first.body.id);
    expect((await again()).body).toMatchObject({ id: first.body.id, replayed: true, state: 'cancelled' });
  });

  test('in a transaction of the caller’s own gets that task, and what is rolled back holds nothing', async () => {
    const { pool } = lab.lovage;
    const undone = inTransaction(pool, async (tx) => {
      await enqueue(tx, byKey, { of: 'tx' });
      expect(await enqueue(tx, byKey, { of: 'tx' })).toMatchObject({ deduplicated: true });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    const first = await inTransaction(pool, (tx) => enqueue(tx, byKey, { of: 'tx' }));
    expect(first).not.toHaveProperty('deduplicated');
    const again = await drizzle(pool).transaction((tx) => enqueue(tx, byKey, { of: 'tx' }));
    expect(again).toMatchObject({ id: first.id, state: 'queued', deduplicated: true });
    expect(await countOf('tx')).toBe(1);
  });
});

describe('within a period', () => {
  test('the task is the answer also after its end', async () => {
    const first = await submit('once.hourly', { of: 'hour' });
    await cancel(first.body.id);
    expect(await submit('once.hourly', { of: 'hour' })).toMatchObject({
      status: 200,
      body: { id: first.body.id, state: 'cancelled', deduplicated: true },
    });
  });

  test('that is over, only a task that is not final is', async () => {
    const passes = () => lab.lab.sql("UPDATE lovage.dedupe_key SET until = now() WHERE key = 'late'");
    const first = await submit('once.hourly', { of: 'late' });
    await passes();
    expect((await submit('once.hourly', { of: 'late' })).body.id).toBe(first.body.id);
    await cancel(first.body.id);
    const second = await submit('once.hourly', { of: 'late' });
    expect(second.body.id).not.toBe(first.body.id);
    await cancel(second.body.id);
    expect((await submit('once.hourly', { of: 'late' })).body.id).toBe(second.body.id);
  });
});

describe('the key', () => {
  test('is the whole input, in whatever order it comes, where the definition names none', async () => {
    const first = await submit('once.byInput', { of: 'input', more: { a: 1, b: 2 } });
    const same = await submit('once.byInput', { more: { b: 2, a: 1 }, of: 'input' });
    const different = await submit('once.byInput', { of: 'input', more: { a: 1, b: 3 } });
    expect(same.body.id).toBe(first.body.id);
    expect(different.body.id).not.toBe(first.body.id);
  });

  test('that is null makes a task like no other', async () => {
    const [one, two] = [
      await submit('once.byKey', { of: 'nothing' }),
      await submit('once.byKey', { of: 'nothing' }),
    ];
    expect(one.body.id).not.toBe(two.body.id);
  });

  test.each([
    ['its function throws', 'throws'],
    ['empty', ''],
    ['too long', 'x'.repeat(201)],
  ])('that cannot be told refuses the enqueue: %s', async (_why, of) => {
    const answer = await submit('once.byKey', { of });
    expect(answer).toMatchObject({ status: 422, body: { type: '/problems/validation' } });
    expect(pointers(answer)).toEqual(['']);
    expect(await countOf(of)).toBe(0);
  });

  test.each([{ withinMs: 0 }, { withinMs: 1.5 }, { key: 'of' as never }, { within: 5 } as object])(
    'is checked in the definition: %o',
    (dedupe) => {
      expect(() => defineTask({ ...byKey, name: 'once.wrong', dedupe })).toThrow(/once\.wrong.*dedupe/);
    },
  );
});

describe('a final task whose key another one has', () => {
  async function lost(of: string) {
    const { id } = (await submit('once.byKey', { of })).body;
    await cancel(id);
    const { id: holder } = (await submit('once.byKey', { of })).body;
    return { id, holder };
  }

  test('is not run again, and the answer names the other', async () => {
    const { id, holder } = await lost('lost');
    const answer = await lab.call('POST', `/v1/tasks/${id}/retry`);
    expect(answer).toMatchObject({ status: 409, body: { type: '/problems/conflict' } });
    expect(answer.body.detail).toContain(holder);
    await expect(lab.lab.sql('SELECT lovage.retry($1)', [id])).rejects.toThrow(holder);
    expect(await lab.lab.get(id)).toMatchObject({ state: 'cancelled' });

    await cancel(holder);
    expect((await lab.call('POST', `/v1/tasks/${id}/retry`)).status).toBe(202);
    expect((await submit('once.byKey', { of: 'lost' })).body).toMatchObject({ id, deduplicated: true });
  });

  test('is passed over when many are run again', async () => {
    const { id, holder } = await lost('swept');
    const free = (await submit('once.byKey', { of: 'free' })).body.id;
    await cancel(free);
    const done = await retryTasks(lab.lovage, lab.lab.caller, { name: 'once.byKey', state: ['cancelled'] });
    expect(done.skipped).toBeGreaterThan(0);
    expect(await lab.lab.get(free)).toMatchObject({ state: 'queued' });
    expect(await lab.lab.get(id)).toMatchObject({ state: 'cancelled' });
    expect(await lab.lab.get(holder)).toMatchObject({ state: 'queued' });
  });
});

test('a group with a key that is held, or twice the same, is refused as a whole', async () => {
  const make = (of: string) => newTask(byKey, lab.lab.caller, { input: { of } });
  const { id } = (await submit('once.byKey', { of: 'held' })).body;
  await expect(sendTasks(lab.lovage.pool, [await make('fresh'), await make('held')])).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(id),
  });
  await expect(sendTasks(lab.lovage.pool, [await make('fresh'), await make('fresh')])).rejects.toMatchObject({
    code: 'conflict',
  });
  expect(await countOf('fresh')).toBe(0);
  await sendTasks(lab.lovage.pool, [await make('fresh'), await make('fresher'), await make('nothing')]);
  expect((await submit('once.byKey', { of: 'fresh' })).body.deduplicated).toBe(true);
});

test('keys of tasks that have ended are removed a batch at a time; those that still hold stay', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) ids.push((await submit('once.byInput', { of: `sweep-${n}` })).body.id);
  const held = (await submit('once.hourly', { of: 'sweep' })).body.id;
  for (const id of [...ids.slice(1), held]) await cancel(id);
  let place: SweepPlace = null;
  let batches = 0;
  do {
    place = (await sweepKeyBatch(lab.lovage.pool, place, 2)).next;
    batches += 1;
  } while (place !== null);
  expect(batches).toBeGreaterThan(2);
  const left = await lab.lab.sql<{ task_id: string }>(
    'SELECT task_id FROM lovage.dedupe_key WHERE task_id = ANY ($1) ORDER BY task_id',
    [[...ids, held]],
  );
  expect(left.map(({ task_id }) => task_id)).toEqual([ids[0], held]);
  expect(
    await lab.lab.sql(
      'SELECT FROM lovage.dedupe_key k JOIN lovage.task t ON t.id = k.task_id WHERE until IS NULL AND lovage.is_final(state)',
    ),
  ).toEqual([]);
});

test('tasks of one key never live at the same time, whoever enqueues, retries, sweeps and ends them', async () => {
  await lab.work();
  const { lovage } = lab;
  const ids = new Set<string>();
  const over = new AbortController();
  const hurry = async (node: Server) => {
    // Where requests are quicker than workers, all of these may find the same task.
    for (let n = 0; n < 30 || ids.size <= 3; n += 1) {
      ids.add((await submit('once.byKey', { of: 'race', ms: (n % 3) * 5 }, { node })).body.id);
    }
  };
  const disturb = async () => {
    for (let n = 0; !over.signal.aborted; n += 1) {
      await sweepKeyBatch(lovage.pool, null, 100);
      const some = [...ids].at(-1 - (n % 3));
      if (some) await lab.call('POST', `/v1/tasks/${some}/retry`);
    }
  };
  const look = async () => {
    while (!over.signal.aborted) {
      const [seen] = await lab.lab.sql<{ n: number }>(
        "SELECT count(*)::int AS n FROM lovage.task WHERE dedupe_key = 'race' AND NOT lovage.is_final(state)",
      );
      expect(seen?.n).toBeLessThan(2);
    }
  };
  const hurrying = Promise.all([hurry(lab), hurry(other), hurry(lab)]).finally(() => over.abort());
  await Promise.all([hurrying, disturb(), look()]);
  for (const id of ids) await lab.lab.final(id);
  expect(await lab.lab.violations()).toEqual([]);
});
