import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import { createClient } from '../../src/client/index.ts';
import { defineConfig } from '../../src/config.ts';
import { definePack } from '../../src/pack.ts';
import { defineTask } from '../../src/task.ts';

/** Checked by `tsc --noEmit`, never run: every `@ts-expect-error` fails the check when its line becomes valid. */

const analyze = defineTask({
  name: 'filings.analyze',
  input: z.strictObject({ ticker: z.string() }),
  output: z.strictObject({ risks: z.array(z.string()), filedAt: z.date() }),
  run: () => ({ risks: [], filedAt: new Date() }),
});
const count = defineTask({
  name: 'filings.count',
  input: z.strictObject({}),
  output: z.number(),
  run: () => 0,
});

export const batchAnalyze = defineTask({
  name: 'filings.batchAnalyze',
  input: z.strictObject({ tickers: z.array(z.string()) }),
  output: z.strictObject({ risks: z.int() }),
  async run({ input, enqueue, waitFor }) {
    const made = await Promise.all(
      input.tickers.map((ticker) => enqueue(analyze, { ticker }, { step: ticker, priority: 3 })),
    );
    const outcomes = await waitFor(made);
    expectTypeOf(outcomes[0]?.result?.risks).toEqualTypeOf<string[] | undefined>();

    const [first, second] = await waitFor([
      await enqueue(analyze, { ticker: 'A' }, { step: 'one' }),
      await enqueue(count, {}, { step: 'two' }),
    ]);
    // A date has become a text on its way.
    expectTypeOf(first.result?.filedAt).toEqualTypeOf<string | undefined>();
    expectTypeOf(second.result).toEqualTypeOf<number | null>();
    expectTypeOf(second.name).toEqualTypeOf<'filings.count'>();
    expectTypeOf(second.state).toEqualTypeOf<'succeeded' | 'failed' | 'cancelled' | 'expired'>();

    // @ts-expect-error: a child is known by its step
    await enqueue(count, {}, {});
    // @ts-expect-error: the input is another one
    await enqueue(analyze, { tickr: 'A' }, { step: 'three' });
    return { risks: outcomes.length };
  },
});

const config = defineConfig({
  packs: [definePack({ name: 'filings', tasks: [analyze, count, batchAnalyze] })],
});
const { trpc } = createClient<typeof config>({ url: 'http://127.0.0.1:3000', apiKey: 'k'.repeat(20) });

export async function theClientKnowsTheTasksOfABatch() {
  const batch = await trpc.batches.create.mutate({
    tasks: [
      { name: 'filings.analyze', input: { ticker: 'A' }, tags: ['q1'] },
      { name: 'filings.count', input: {}, delayMs: 10 },
    ],
  });
  expectTypeOf(batch.taskIds).toEqualTypeOf<string[]>();
  expectTypeOf(batch.counts.succeeded).toEqualTypeOf<number>();
  // @ts-expect-error: the input is another task's
  await trpc.batches.create.mutate({ tasks: [{ name: 'filings.count', input: { ticker: 'A' } }] });
  const { items } = await trpc.batches.tasks.query({ id: batch.id, include: ['result'] });
  for (const task of items) {
    if (task.name === 'filings.analyze')
      expectTypeOf(task.result?.risks).toEqualTypeOf<string[] | undefined>();
  }
}
