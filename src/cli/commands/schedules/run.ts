import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';

export const run = defineCommand({
  name: 'schedules run',
  summary: 'Starts the task of a schedule now, beside its times',
  arguments: [{ name: 'NAME', which: 'schedule', completes: 'schedules' }],
  options: WAY_FLAGS,
  examples: ['schedules run nightly-cleanup'],
  run: (values, [name = '']) =>
    withOperations(values, async ({ call }) => {
      const task = await call.schedules.run.mutate({ name });
      print(values, task, `Task ${task.id} (${task.name}) is started by schedule ${name}`);
      return 0;
    }),
});
