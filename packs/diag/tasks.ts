import { setTimeout as wait } from 'node:timers/promises';
import { defineTask } from 'lovage';
import { z } from 'zod';

const milliseconds = z
  .int()
  .min(0)
  .max(24 * 60 * 60 * 1000);

/** Does nothing: what a task costs by itself. */
export const noop = defineTask({
  name: 'diag.noop',
  input: z.looseObject({}).default({}),
  output: z.null(),
  run: () => null,
});

export const echo = defineTask({
  name: 'diag.echo',
  input: z.strictObject({ value: z.json() }),
  output: z.strictObject({ value: z.json() }),
  run: ({ input }) => input,
});

export const sleep = defineTask({
  name: 'diag.sleep',
  input: z.strictObject({ ms: milliseconds, obeySignal: z.boolean().default(true) }),
  output: z.strictObject({ slept: z.number() }),
  async run({ input, signal }) {
    await wait(input.ms, undefined, input.obeySignal ? { signal } : {});
    return { slept: input.ms };
  },
});

/** Fails as many attempts as it is told, then succeeds with the attempt's number. */
export const fail = defineTask({
  name: 'diag.fail',
  input: z.strictObject({ times: z.int().min(0), message: z.string().default('told to fail') }),
  output: z.strictObject({ attempt: z.int() }),
  run({ input, attempt }) {
    if (attempt <= input.times) throw new Error(input.message);
    return { attempt };
  },
});

/** Keeps a CPU busy and ignores every signal. */
export const spin = defineTask({
  name: 'diag.spin',
  input: z.strictObject({ ms: milliseconds }),
  output: z.strictObject({ spun: z.number() }),
  isolation: 'process',
  run({ input }) {
    const end = performance.now() + input.ms;
    while (performance.now() < end);
    return { spun: input.ms };
  },
});

/** Ends the worker's own process, as a crash does. */
export const exit = defineTask({
  name: 'diag.exit',
  input: z.strictObject({ code: z.int().min(0).max(255).default(1) }),
  output: z.null(),
  run: ({ input }) => process.exit(input.code),
});

/** Ends the child process it runs in: its own attempt and nothing else. */
export const exitChild = defineTask({
  ...exit,
  name: 'diag.exitChild',
  isolation: 'process',
});

export const progress = defineTask({
  name: 'diag.progress',
  input: z.strictObject({ steps: z.int().min(1).max(100_000), everyMs: milliseconds.default(100) }),
  output: z.strictObject({ steps: z.int() }),
  async run({ input: { steps, everyMs }, progress: report, signal }) {
    for (let step = 1; step <= steps; step += 1) {
      await wait(everyMs, undefined, { signal });
      report({ current: step, total: steps, message: `step ${step} of ${steps}` });
    }
    return { steps };
  },
});
