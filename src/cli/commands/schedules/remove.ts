import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';

export const remove = defineCommand({
  name: 'schedules remove',
  summary: 'Removes a schedule and the record of its runs; its tasks stay',
  arguments: [{ name: 'NAME', which: 'schedule', completes: 'schedules' }],
  options: WAY_FLAGS,
  examples: ['schedules remove nightly-cleanup'],
  notes: ['Exit code 3 for one of the configuration, which is removed there.'],
  run: (values, [name = '']) =>
    withOperations(values, async ({ call }) => {
      const schedule = await call.schedules.remove.mutate({ name });
      print(values, schedule, `Schedule ${name} is removed`);
      return 0;
    }),
});
