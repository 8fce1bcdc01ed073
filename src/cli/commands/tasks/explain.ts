import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';
import { table } from '../../table.ts';

export const explain = defineCommand({
  name: 'tasks explain',
  aliases: ['explain'],
  summary: 'Says why a task is not running now, and since when',
  arguments: [{ name: 'ID', which: 'task' }],
  options: WAY_FLAGS,
  examples: ['tasks explain 0197b6f0-0000-7000-8000-000000000000'],
  run: (values, [id = '']) =>
    withOperations(values, async ({ call }) => {
      const why = await call.tasks.explain.query({ id });
      print(values, why, () => `${why.state}\n${table(why.reasons)}`);
      return 0;
    }),
});
