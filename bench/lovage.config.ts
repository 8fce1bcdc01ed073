import { setTimeout as pause } from 'node:timers/promises';
import { defineConfig, definePack, defineTask } from 'lovage';
import { z } from 'zod';
import { diag } from '../packs/diag/index.ts';

/** Says when its handler began, on the clock that all processes of a machine share. */
const stamp = defineTask({
  name: 'clock.stamp',
  input: z.looseObject({}).default({}),
  output: z.strictObject({ startedAtNs: z.string() }),
  run: () => ({ startedAtNs: process.hrtime.bigint().toString() }),
});

/** Says at every step of its progress when that was. */
const tick = defineTask({
  name: 'clock.tick',
  input: z.strictObject({ steps: z.int(), meanMs: z.int() }),
  output: z.null(),
  async run({ input: { steps, meanMs }, progress }) {
    for (let current = 1; current <= steps; current += 1) {
      await pause(Math.random() * 2 * meanMs);
      progress({ current, total: steps, message: process.hrtime.bigint().toString() });
    }
    return null;
  },
});

const nothing = { input: z.looseObject({}).default({}), output: z.null(), run: () => null };
const inline = defineTask({ ...nothing, name: 'clock.inline' });
const inProcess = defineTask({ ...nothing, name: 'clock.process', isolation: 'process' });

const SPARE = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** What the processes under measurement run: the packs `diag` and `clock`, and ten queues in all. */
export default defineConfig({
  packs: [diag, definePack({ name: 'clock', tasks: [stamp, tick, inline, inProcess] })],
  queues: Object.fromEntries(SPARE.map((name) => [`spare-${name}`, {}])),
});
