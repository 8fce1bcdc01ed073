import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';

export const pause = defineCommand({
  name: 'schedules pause',
  summary: 'Lets a schedule start nothing until it is resumed',
  arguments: [{ name: 'NAME', which: 'schedule', completes: 'schedules' }],
  options: WAY_FLAGS,
  examples: ['schedules pause nightly-cleanup'],
  run: (values, [name = '']) =>
    withOperations(values, async ({ call }) => {
      const { schedule, outcome } = await call.schedules.pause.mutate({ name });
      const already = outcome === 'paused' ? '' : ` already, by ${schedule.pausedBy}`;
      print(values, { ...schedule, outcome }, `Schedule ${name} is paused${already}`);
      return 0;
    }),
});
