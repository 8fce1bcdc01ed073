import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';
import { table } from '../../table.ts';
import { describeQueue } from './describe.ts';

export const list = defineCommand({
  name: 'queues list',
  summary: 'Lists the queues: what waits, what runs, what holds them back',
  options: WAY_FLAGS,
  examples: ['queues', 'queues list --json | jq ".items[].waiting"'],
  run: (values) =>
    withOperations(values, async ({ call }) => {
      const page = await call.queues.list.query();
      print(values, page, () => table(page.items.map(describeQueue)));
      return 0;
    }),
});
