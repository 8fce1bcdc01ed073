import { setTimeout as wait } from 'node:timers/promises';
import { defineConfig, definePack, defineTask } from 'lovage';
import { z } from 'zod';
import { diag } from '../../packs/diag/index.ts';

const kept = {
  queue: 'once',
  input: z.strictObject({ of: z.string(), ms: z.int().default(0), more: z.json().optional() }),
  output: z.strictObject({ of: z.string() }),
  async run({ input: { of, ms } }: { input: { of: string; ms: number } }) {
    await wait(ms);
    return { of };
  },
};

/** One at a time for each input. */
export const byInput = defineTask({ ...kept, name: 'once.byInput', dedupe: {} });

/** One at a time for each `of`; what is of nothing is like no other. */
export const byKey = defineTask({
  ...kept,
  name: 'once.byKey',
  dedupe: {
    key({ of }) {
      if (of === 'throws') throw new Error('no key for this');
      return of === 'nothing' ? null : of;
    },
  },
});

export const hourly = defineTask({
  ...kept,
  name: 'once.hourly',
  dedupe: { key: ({ of }) => of, withinMs: 3_600_000 },
});

const once = definePack({ name: 'once', tasks: [byInput, byKey, hourly] });

export default defineConfig({ packs: [diag, once], queues: { spare: {} } });
