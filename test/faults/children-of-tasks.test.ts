import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBatch } from '../../src/batches/create.ts';
import { getBatch } from '../../src/batches/get.ts';
import { waitForBatch } from '../../src/batches/wait.ts';
import { parent, parentInProcess } from '../fixtures/family.ts';
import { openLab, until, type Lab } from '../lab.ts';
import { kill, openWire, startWorkerProcess, type WorkerProcess } from '../worker/processes.ts';
import { isShort } from './form.ts';

let lab: Lab;
let holder: pg.Client;
let worker: WorkerProcess;
beforeAll(async () => {
  lab = await openLab();
  holder = new pg.Client({ connectionString: lab.url });
  await holder.connect();
  worker = await startWorkerProcess(lab);
});
afterAll(async () => {
  await holder.end();
  await lab[Symbol.asyncDispose]();
});

const childrenOf = (id: string) =>
  lab.sql<{ id: string; state: string }>(
    'SELECT id, state FROM lovage.task WHERE parent_id = $1 ORDER BY id',
    [id],
  );
const whenMade = (id: string, count: number) =>
  until(
    () => childrenOf(id),
    ({ length }) => length >= count,
  );
const whenState = (id: string, state: string, attempt = 1) =>
  until(
    () => lab.get(id),
    (task) => task.state === state && task.attempt >= attempt,
  );
/** A session of the worker stands still in this function, waiting for what the test holds. */
const whenHeldIn = (call: string) =>
  until(
    () =>
      lab.sql(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`,
        [`%lovage.${call}(%`],
      ),
    (held) => held.length > 0,
  );
const holdJob = (id: string) => holder.query('SELECT FROM pgboss.job WHERE id = $1 FOR UPDATE', [id]);

/** Each child once, with one result; the parent with all of them; nothing left over. */
async function expectOnce(id: string): Promise<void> {
  expect(await lab.final(id)).toMatchObject({ state: 'succeeded', result: { sum: 12 } });
  const children = await childrenOf(id);
  expect(children.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  for (const child of children)
    expect((await lab.eventTypes(child.id)).filter((type) => type === 'succeeded')).toHaveLength(1);
  const types = await lab.eventTypes(id);
  const countOf = (wanted: string) => types.filter((type) => type === wanted).length;
  expect({ child: countOf('child'), woken: countOf('woken'), succeeded: countOf('succeeded') }).toEqual({
    child: 3,
    woken: countOf('waiting'),
    succeeded: 1,
  });
  expect(
    await lab.sql(
      'SELECT * FROM lovage.task_end UNION ALL SELECT 0, task_id, null, null FROM lovage.task_wait',
    ),
  ).toEqual([]);
  expect(await lab.violations()).toEqual([]);
}

interface Step {
  input: { ms?: number; pauseMs?: number };
  /** Resolves when the worker stands at this step. */
  reach: (id: string) => Promise<unknown>;
}

const steps: [string, Step][] = [
  ['between two children', { input: { pauseMs: 300 }, reach: (id) => whenMade(id, 1) }],
  [
    'after waitFor, before its settle',
    {
      // Long enough for the children to run on while it asks for them.
      input: { pauseMs: 200, ms: 2_000 },
      reach: async (id) => {
        await whenMade(id, 3);
        await holdJob(id);
        await whenHeldIn('settle');
      },
    },
  ],
  ['while it waits', { input: { ms: 500 }, reach: (id) => whenState(id, 'waiting') }],
  [
    'after the settle of its last child, before the wake-up',
    {
      input: { ms: 400 },
      reach: async (id) => {
        await whenState(id, 'waiting');
        await holdJob(id);
        await until(
          () => childrenOf(id),
          (children) => children.every(({ state }) => state === 'succeeded'),
        );
        await whenHeldIn('follow_up');
      },
    },
  ],
  ['during its rerun', { input: { pauseMs: 200, ms: 1_500 }, reach: (id) => whenState(id, 'running', 2) }],
];

describe.each(
  (
    [
      ['inline', parent],
      ['process', parentInProcess],
    ] as const
  ).slice(0, isShort ? 1 : 2),
)('a worker killed under a parent (%s)', (_isolation, definition) => {
  test.each(steps)('%s: each child is made once, and none is lost', async (_step, { input, reach }) => {
    const { id } = await lab.enqueue(definition, { values: [1, 2, 3], ...input });
    await holder.query('BEGIN');
    await reach(id);
    await kill(worker);
    await holder.query('ROLLBACK');
    worker = await startWorkerProcess(lab);
    await expectOnce(id);
  });

  test('when a child is committed and the parent does not know: it is found again', async () => {
    await using wire = await openWire(lab.url);
    await kill(worker);
    worker = await startWorkerProcess(lab, [], { DATABASE_URL: wire.url });
    const cut = wire.cutAnswer('lovage_add_children', 'SELECT 1');
    const { id } = await lab.enqueue(definition, { values: [1, 2, 3] });
    await cut;
    await kill(worker);
    expect(await childrenOf(id)).not.toEqual([]);
    worker = await startWorkerProcess(lab);
    await expectOnce(id);
  });
});

test('a worker that lives on when the answer about a child is lost goes on with that child', async () => {
  await using wire = await openWire(lab.url);
  await kill(worker);
  worker = await startWorkerProcess(lab, [], { DATABASE_URL: wire.url });
  const cut = wire.cutAnswer('lovage_add_children', 'SELECT 1');
  const { id } = await lab.enqueue(parent, { values: [1, 2, 3] });
  await cut;
  await expectOnce(id);
  // The children may have ended while the connection was made anew: then there was nothing to wait for.
  expect(await lab.get(id)).toMatchObject({ crashes: 0, error: null });
  await kill(worker);
  worker = await startWorkerProcess(lab);
});

test('a worker killed as it finishes a batch leaves it to the next one: one end, one task after it', async () => {
  const tasks = [1, 2, 3].map((value) => ({ name: 'family.child', input: { value, ms: 300 } }));
  const followUp = { field: 'then' } as const;
  const after = { name: 'family.collect', input: { unit: 'm' } };
  const { id } = await createBatch(lab.lovage, lab.caller, { tasks, [followUp.field]: after });
  await holder.query('BEGIN');
  await holder.query('SELECT FROM lovage.batch WHERE id = $1 FOR UPDATE', [id]);
  await whenHeldIn('follow_up');
  await kill(worker);
  await holder.query('ROLLBACK');
  worker = await startWorkerProcess(lab);
  await waitForBatch(lab.lovage, lab.caller, id, { timeoutMs: 20_000 });
  const { thenTaskId, counts } = await getBatch(lab.lovage, lab.caller, id);
  expect(counts).toMatchObject({ succeeded: 3 });
  expect(await lab.final(thenTaskId ?? '')).toMatchObject({
    result: { text: 'succeeded 2 m, succeeded 4 m, succeeded 6 m' },
  });
  expect(await lab.sql("SELECT id FROM lovage.task WHERE name = 'family.collect'")).toEqual([
    { id: thenTaskId },
  ]);
  expect(await lab.sql('SELECT number FROM lovage.task_event WHERE task_id = $1', [id])).toEqual([
    { number: 1 },
  ]);
  expect(await lab.violations()).toEqual([]);
});

test('two workers, one of them killed twice, and many last children that settle together: nothing doubled, nothing lost', async () => {
  const families = isShort ? 30 : 120;
  const other = await startWorkerProcess(lab);
  const parents: string[] = [];
  for (let n = 0; n < families; n += 1) {
    const { id } = await lab.enqueue(parent, { values: [1, 2, 3], ms: n % 3 === 0 ? 20 : 0 });
    parents.push(id);
    if (n === Math.floor(families / 3) || n === Math.floor((families * 2) / 3)) {
      await kill(worker);
      worker = await startWorkerProcess(lab);
    }
  }
  for (const id of parents) await lab.final(id);
  for (const id of parents.slice(0, 20)) await expectOnce(id);
  const [sums] = await lab.sql(
    `SELECT count(*)::int AS children, count(DISTINCT (parent_id, parent_step))::int AS steps,
            count(*) FILTER (WHERE state = 'succeeded')::int AS succeeded FROM lovage.task WHERE parent_id = ANY ($1)`,
    [parents],
  );
  expect(sums).toEqual({ children: families * 3, steps: families * 3, succeeded: families * 3 });
  expect(await lab.violations()).toEqual([]);
  await kill(other);
});
