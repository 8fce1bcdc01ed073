import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import { defineConfig, type TasksOf } from '../../src/config.ts';
import { definePack } from '../../src/pack.ts';
import { defineTask } from '../../src/task.ts';

/** Checked by `tsc --noEmit`, never run. */

const cleanup = defineTask({
  name: 'house.cleanup',
  input: z.strictObject({ days: z.int(), dryRun: z.boolean().default(false) }),
  output: z.null(),
  run: () => null,
});
const report = defineTask({ name: 'house.report', input: z.null(), output: z.null(), run: () => null });
const packs = [definePack({ name: 'house', tasks: [cleanup, report] })] as const;

const config = defineConfig({
  packs,
  schedules: {
    nightly: { task: cleanup, input: { days: 30 }, cron: '0 3 * * *', timeZone: 'Europe/Berlin' },
    weekly: {
      task: report,
      input: null,
      rrule: 'FREQ=WEEKLY;BYDAY=MO',
      missed: 'once',
      priority: 5,
      tags: ['x'],
    },
  },
});
expectTypeOf<keyof TasksOf<typeof config>>().toEqualTypeOf<'house.cleanup' | 'house.report'>();
expectTypeOf(defineConfig({ packs, queues: {} })).toEqualTypeOf(config);

// @ts-expect-error: the input of another definition
defineConfig({ packs, schedules: { nightly: { task: cleanup, input: null, cron: '0 3 * * *' } } });
// @ts-expect-error: days is a number
defineConfig({ packs, schedules: { nightly: { task: cleanup, input: { days: '30' }, cron: '0 3 * * *' } } });
// @ts-expect-error: the input is missing
defineConfig({ packs, schedules: { nightly: { task: cleanup, cron: '0 3 * * *' } } });
const twice = 'twice';
// @ts-expect-error: there is no such choice
defineConfig({ packs, schedules: { x: { task: report, input: null, cron: '@daily', missed: twice } } });
