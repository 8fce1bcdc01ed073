import { sql } from 'drizzle-orm';
import { expect, inject, test } from 'vitest';
import { z } from 'zod';
import { createClient } from '../../src/client/index.ts';
import { defineConfig, definePack, defineTask, RetryIn, WaitingForChildren } from '../../src/index.ts';
import { openTestLovage, runTask } from '../../src/testing/index.ts';
import { parent } from '../fixtures/family.ts';

const HOUR_MS = 3_600_000;

const double = defineTask({
  name: 'sums.double',
  input: z.strictObject({ n: z.number().default(1) }),
  output: z.strictObject({ n: z.number() }),
  isolation: 'process',
  run({ input, progress, log, onSettle }) {
    progress({ current: 1, total: 1 });
    log('doubled', { from: input.n });
    if (input.n === 13) onSettle((tx) => tx.execute(sql`CREATE TABLE unlucky ()`));
    return { n: input.n * 2 };
  },
});

const patient = defineTask({
  name: 'sums.patient',
  input: z.strictObject({}),
  output: z.int(),
  run({ attempt }) {
    if (attempt === 1) throw new RetryIn(6 * HOUR_MS);
    return attempt;
  },
});

const config = defineConfig({ packs: [definePack({ name: 'sums', tasks: [double, patient] })] });
const open = () => openTestLovage(config, { serverUrl: inject('serverUrl') });

test('a definition runs by itself, with its input parsed and all that it says kept', async () => {
  expect(await runTask(double, {})).toEqual({
    output: { n: 2 },
    progress: [{ current: 1, total: 1 }],
    log: [{ message: 'doubled', data: { from: 1 } }],
    children: [],
  });
  await expect(runTask(double, { n: 'x' as never })).rejects.toThrow('expected number');
  await expect(runTask(double, { n: 13 })).rejects.toThrow('give runTask() a db');
});

test('a whole worker runs a task, also one of isolation process', async () => {
  await using lovage = await open();
  expect(await lovage.run(double, { n: 4 })).toMatchObject({ state: 'succeeded', result: { n: 8 } });
  expect(await runTask(double, { n: 13 }, { db: lovage.db })).toMatchObject({ output: { n: 26 } });
  expect((await lovage.db.execute(sql`SELECT FROM unlucky`)).rows).toEqual([]);
});

test('delays and retries come due as the clock is advanced, and leave no trace in the history', async () => {
  await using lovage = await open();
  const late = await lovage.enqueue(double, { n: 1 }, { delayMs: HOUR_MS });
  const { id } = await lovage.enqueue(patient, {});
  await lovage.idle();
  expect(await lovage.get(late.id)).toMatchObject({ state: 'scheduled' });
  expect(await lovage.get(id)).toMatchObject({ state: 'retrying', attempt: 1 });

  await lovage.advance(HOUR_MS);
  await lovage.idle();
  expect(await lovage.get(late.id)).toMatchObject({ state: 'succeeded' });
  expect((await lovage.events(late.id)).map(({ type }) => type)).toEqual([
    'queued',
    'started',
    'progress',
    'log',
    'succeeded',
  ]);
  expect(await lovage.get(id)).toMatchObject({ state: 'retrying' });

  await lovage.advance(5 * HOUR_MS);
  await lovage.idle();
  expect(await lovage.get(id)).toMatchObject({ state: 'succeeded', result: 2 });
  await lovage.advance(25 * HOUR_MS);
  expect(await lovage.get(id)).toMatchObject({ state: 'succeeded', result: null });
  expect((await lovage.db.execute(sql`SELECT * FROM lovage.check_invariants()`)).rows).toEqual([]);
});

test('its API serves a typed client', async () => {
  await using lovage = await open();
  const { url, apiKey } = await lovage.serve();
  const client = createClient<typeof config>({ url, apiKey });
  expect(await client.run('sums.double', { n: 3 })).toEqual({ n: 6 });
});

test('a parent runs by itself too: its children are told, and what becomes of them is given', async () => {
  const half = { state: 'failed', error: { code: 'no_value', message: 'no 2' } } as const;
  const children = { 'double 1': { result: { doubled: 2 } }, 'double 2': half };
  expect(await runTask(parent, { values: [1, 2] }, { children })).toMatchObject({
    output: { sum: 2, states: ['succeeded', 'failed'] },
    children: [{ name: 'family.child', step: 'double 1', input: { value: 1 } }, { step: 'double 2' }],
  });
  await expect(runTask(parent, { values: [1] })).rejects.toThrow(WaitingForChildren);
});

test('waiting for what does not end says what is left', async () => {
  const forever = defineTask({
    name: 'sums.forever',
    input: z.null(),
    output: z.null(),
    run: ({ signal }) =>
      new Promise<null>((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      ),
  });
  const endless = defineConfig({ packs: [definePack({ name: 'sums', tasks: [forever] })] });
  await using lovage = await openTestLovage(endless, { serverUrl: inject('serverUrl') });
  const { id } = await lovage.enqueue(forever, null);
  await expect(lovage.idle({ timeoutMs: 300 })).rejects.toThrow(`sums.forever ${id} is running`);
});
