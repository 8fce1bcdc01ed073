import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';

export const resume = defineCommand({
  name: 'queues resume',
  aliases: ['resume'],
  summary: 'Lets the tasks of a paused queue start again',
  arguments: [{ name: 'QUEUE', which: 'queue', completes: 'queues' }],
  options: WAY_FLAGS,
  examples: ['queues resume mail'],
  run: (values, [name = '']) =>
    withOperations(values, async ({ call }) => {
      const { queue, outcome } = await call.queues.resume.mutate({ name });
      const said = `Queue ${name} ${outcome === 'resumed' ? 'is resumed' : 'was not paused'}`;
      print(values, { ...queue, outcome }, said);
      return 0;
    }),
});
