import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import { createClient, type Task } from '../../src/client/index.ts';
import { defineConfig } from '../../src/config.ts';
import { definePack } from '../../src/pack.ts';
import { defineTask } from '../../src/task.ts';

/** Checked by `tsc --noEmit`, never run: every `@ts-expect-error` fails the check when its line becomes valid. */

const analyze = defineTask({
  name: 'filings.analyze',
  input: z.strictObject({ ticker: z.string(), year: z.int(), topK: z.int().default(10) }),
  output: z.strictObject({ risks: z.array(z.string()), filedAt: z.date() }),
  run: () => ({ risks: [], filedAt: new Date() }),
});
const echo = defineTask({
  name: 'diag.echo',
  input: z.strictObject({ value: z.string() }),
  output: z.strictObject({ value: z.string() }),
  run: ({ input }) => input,
});
const prune = defineTask({
  name: 'filings.old.prune',
  input: z.strictObject({}),
  output: z.number(),
  run: () => 0,
});
const config = defineConfig({
  packs: [
    definePack({ name: 'filings', tasks: [analyze, prune] }),
    definePack({ name: 'diag', tasks: [echo] }),
  ],
});

const client = createClient<typeof config>({ url: 'http://127.0.0.1:3000', apiKey: 'k'.repeat(20) });

export async function theClientKnowsItsTasks() {
  const task = await client.enqueue('filings.analyze', { ticker: 'ACME', year: 2024 });
  expectTypeOf(task.name).toEqualTypeOf<'filings.analyze'>();
  expectTypeOf(task.result?.risks).toEqualTypeOf<string[] | undefined>();
  // A date is a string once it has crossed the wire.
  expectTypeOf(task.result?.filedAt).toEqualTypeOf<string | undefined>();
  // @ts-expect-error: no such field in this result
  void task.result?.value;

  await client.enqueue(
    'filings.analyze',
    { ticker: 'ACME', year: 2024, topK: 3 },
    { priority: 5, delayMs: 1000, tags: ['x'] },
  );
  // @ts-expect-error: no such definition
  await client.enqueue('filings.analyse', { ticker: 'ACME', year: 2024 });
  // @ts-expect-error: a year is a number
  await client.enqueue('filings.analyze', { ticker: 'ACME', year: '2024' });
  // @ts-expect-error: the ticker is missing
  await client.enqueue('filings.analyze', { year: 2024 });
  // @ts-expect-error: the input of another definition
  await client.enqueue('diag.echo', { ticker: 'ACME', year: 2024 });
  // @ts-expect-error: no such option
  await client.enqueue('diag.echo', { value: '1' }, { prio: 1 });
}

export async function aRunResolvesToTheResult() {
  expectTypeOf(await client.run('diag.echo', { value: '1' })).toEqualTypeOf<{ value: string }>();
  expectTypeOf(await client.run('filings.old.prune', {}, { timeoutMs: 1000 })).toEqualTypeOf<number>();
  // @ts-expect-error: no such field in this result
  (await client.run('diag.echo', { value: '1' })).risks.at(0);
}

export async function aNameTellsTasksApart() {
  const task = await client.get('0197b6f0-0000-7000-8000-000000000000');
  expectTypeOf(task.name).toEqualTypeOf<'filings.analyze' | 'filings.old.prune' | 'diag.echo'>();
  // @ts-expect-error: the result of which definition?
  void task.result?.risks;
  if (task.name === 'diag.echo')
    expectTypeOf(task.result).toEqualTypeOf<{ value: string } | null | undefined>();

  const { items } = await client.list({ name: 'diag.echo', state: ['succeeded'], include: ['result'] });
  expectTypeOf(items[0]?.result?.value).toEqualTypeOf<string | undefined>();
  // @ts-expect-error: no such state
  await client.list({ state: ['done'] });

  expectTypeOf(await client.result(items[0] as Task<typeof echo>)).toEqualTypeOf<{ value: string }>();
  expectTypeOf((await client.cancel(task.id)).outcome).toEqualTypeOf<
    'cancelled' | 'requested' | 'already_final'
  >();
}

export async function controlIsTyped() {
  const { task, outcome } = await client.retry('0197b6f0-0000-7000-8000-000000000000');
  expectTypeOf(outcome).toEqualTypeOf<'queued' | 'not_final'>();
  expectTypeOf(task.name).toEqualTypeOf<'filings.analyze' | 'filings.old.prune' | 'diag.echo'>();
  expectTypeOf(task.cancelOutcome).toEqualTypeOf<'obeyed' | 'killed' | 'abandoned' | null>();
  const { reasons } = await client.explain(task.id);
  expectTypeOf(reasons[0]).toEqualTypeOf<{ reason: string; since: string; detail: string } | undefined>();
  await client.enqueue('diag.echo', { value: '1' }, { softLimitMs: 1_000, hardLimitMs: 2_000 });
  await client.trpc.tasks.retryAll.mutate({ name: 'diag.echo', state: ['failed'] });
  // @ts-expect-error: no such definition
  await client.trpc.tasks.cancelAll.mutate({ name: 'diag.ecco' });
  expectTypeOf((await client.trpc.queues.get.query({ name: 'diag' })).running).toEqualTypeOf<number | null>();
}

export async function theTrpcClientNestsNames() {
  const task = await client.trpc.run.filings.analyze.mutate({
    input: { ticker: 'ACME', year: 2024 },
    priority: 1,
  });
  expectTypeOf(task.result?.risks).toEqualTypeOf<string[] | undefined>();
  await client.trpc.run.filings.old.prune.mutate({ input: {} });
  // @ts-expect-error: no such definition
  await client.trpc.run.filings.analyse.mutate({ input: {} });
  // @ts-expect-error: a year is a number
  await client.trpc.run.filings.analyze.mutate({ input: { ticker: 'ACME', year: '2024' } });
  await client.trpc.tasks.enqueue.mutate({ name: 'diag.echo', input: { value: '1' } });
  // @ts-expect-error: name and input must fit each other
  await client.trpc.tasks.enqueue.mutate({ name: 'diag.echo', input: { ticker: 'ACME', year: 2024 } });
}
