import { defineCommand } from '../../command.ts';
import { findKeys } from '../../key-flags.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';

export const revoke = defineCommand({
  name: 'keys revoke',
  summary: 'Ends an API key, on every node within 2 s',
  arguments: [{ name: 'ID', which: 'key' }],
  options: WAY_FLAGS,
  examples: ['keys revoke lv_a1b2c3'],
  run: (values, [word = '']) =>
    withOperations(values, async ({ call }) => {
      const items = [];
      for (const { id } of await findKeys(call, word)) {
        const { key, outcome } = await call.keys.revoke.mutate({ id });
        items.push({ ...key, outcome });
      }
      const said = items.map(({ name, prefix }) => `${name} (${prefix}…)`).join(', ');
      print(values, { items, nextCursor: null }, `Revoked ${said}`);
      return 0;
    }),
});
