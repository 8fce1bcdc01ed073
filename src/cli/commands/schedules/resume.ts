import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';

export const resume = defineCommand({
  name: 'schedules resume',
  summary: 'Lets a paused schedule start tasks again',
  arguments: [{ name: 'NAME', which: 'schedule', completes: 'schedules' }],
  options: WAY_FLAGS,
  examples: ['schedules resume nightly-cleanup'],
  run: (values, [name = '']) =>
    withOperations(values, async ({ call }) => {
      const { schedule, outcome } = await call.schedules.resume.mutate({ name });
      const resumed = `is resumed${schedule.nextAt === null ? '' : `; next ${schedule.nextAt}`}`;
      const said = `Schedule ${name} ${outcome === 'resumed' ? resumed : 'was not paused'}`;
      print(values, { ...schedule, outcome }, said);
      return 0;
    }),
});
