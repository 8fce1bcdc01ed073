import type { NewKeyView } from '../../../wire/key.ts';
import { defineCommand } from '../../command.ts';
import { announceKey, findKeys, MAX_GRACE_MS, readTime, remedyFor } from '../../key-flags.ts';
import { withOperations } from '../../operations.ts';
import { text, WAY_FLAGS, whole } from '../../options.ts';
import { printOnce } from '../../print-once.ts';

export const rotate = defineCommand({
  name: 'keys rotate',
  summary: 'Puts a new API key in the place of one',
  arguments: [{ name: 'ID', which: 'key' }],
  options: {
    grace: whole('MS', 'how long the former key still works (default 0)', [0, MAX_GRACE_MS]),
    expires: text('TIME', 'of the new one: ISO 8601, such as 2027-01-01T00:00:00Z'),
    ...WAY_FLAGS,
  },
  examples: ['keys rotate lv_a1b2c3 --grace 3600000'],
  async run({ grace = 0, expires, ...values }, [word = '']) {
    const expiresAt = expires === undefined ? {} : { expiresAt: readTime(expires) };
    return withOperations(values, async ({ call }) => {
      const items: NewKeyView[] = [];
      for (const { id } of await findKeys(call, word)) {
        items.push(await call.keys.rotate.mutate({ id, graceMs: grace, ...expiresAt }));
      }
      await printOnce(values, {
        value: { items, nextCursor: null },
        text: () => items.map(announceKey).join('\n\n'),
        remedy: remedyFor(items),
      });
      return 0;
    });
  },
});
