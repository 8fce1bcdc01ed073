import { defineCommand } from '../../command.ts';
import { relative } from '../../duration.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS, whole } from '../../options.ts';
import { print } from '../../print.ts';
import { facts } from '../../table.ts';
import { tableOfTasks } from '../tasks/describe.ts';
import { describeCounts } from './describe.ts';

export const show = defineCommand({
  name: 'batches show',
  summary: 'Shows a batch and its tasks',
  arguments: [{ name: 'ID', which: 'batch' }],
  options: { limit: whole('N', 'so many of its tasks (default 20)', [1, 200]), ...WAY_FLAGS },
  examples: ['batches show 0197b6f0-0000-7000-8000-000000000000'],
  notes: ['--json prints {batch, tasks}.'],
  run: ({ limit = 20, ...values }, [id = '']) =>
    withOperations(values, async ({ call }) => {
      const batch = await call.batches.get.query({ id });
      const tasks = await call.batches.tasks.query({ id, limit });
      print(values, { batch, tasks }, () =>
        [
          facts([
            ['id', batch.id],
            ['label', batch.label],
            ['state', batch.state],
            ['tasks', `${batch.total}: ${describeCounts(batch)}`],
            [
              'made',
              `${relative(batch.createdAt)}${batch.createdBy === null ? '' : ` by ${batch.createdBy}`}`,
            ],
            ['cancelled', batch.cancelRequestedAt && relative(batch.cancelRequestedAt)],
            ['finished', batch.finishedAt && relative(batch.finishedAt)],
            ['then', batch.thenTaskId],
          ]),
          '',
          tableOfTasks(tasks.items),
          ...(tasks.nextCursor === null ? [] : [`and ${batch.total - tasks.items.length} more: --limit`]),
        ].join('\n'),
      );
      return 0;
    }),
});
