import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';
import { followTask } from './follow.ts';

export const watch = defineCommand({
  name: 'tasks watch',
  summary: 'Shows the progress of a task until it is final',
  arguments: [{ name: 'ID', which: 'task' }],
  options: WAY_FLAGS,
  examples: ['tasks watch 0197b6f0-0000-7000-8000-000000000000'],
  notes: [
    'The bar is on stderr. Exit code 0 where the task succeeded, else 1. Ctrl-C leaves the task alone.',
  ],
  run: (values, [id = '']) =>
    withOperations(values, async (operations) => {
      const task = await followTask(operations, id);
      const why = task.error === null ? '' : `: ${task.error.message}`;
      print(values, task, `Task ${id} ${task.state}${why}`);
      return task.state === 'succeeded' ? 0 : 1;
    }),
});
