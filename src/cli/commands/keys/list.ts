import { defineCommand } from '../../command.ts';
import { describeKey, listKeys } from '../../key-flags.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';
import { table } from '../../table.ts';

export const list = defineCommand({
  name: 'keys list',
  summary: 'Lists API keys, without their secrets',
  options: WAY_FLAGS,
  examples: ['keys'],
  run: (values) =>
    withOperations(values, async ({ call }) => {
      const page = await listKeys(call);
      print(values, page, () => table(page.items.map(describeKey)));
      return 0;
    }),
});
