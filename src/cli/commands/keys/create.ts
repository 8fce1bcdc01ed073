import { SCOPES } from '../../../wire.ts';
import { defineCommand } from '../../command.ts';
import { announceKey, readNewKey, remedyFor } from '../../key-flags.ts';
import { withOperations } from '../../operations.ts';
import { text, WAY_FLAGS } from '../../options.ts';
import { printOnce } from '../../print-once.ts';

export const create = defineCommand({
  name: 'keys create',
  summary: 'Makes an API key and shows it this once',
  arguments: [{ name: 'NAME', which: 'name' }],
  options: {
    scopes: text('a,b', `of ${SCOPES.join(', ')} (default enqueue,read,cancel)`, SCOPES),
    tenant: text('T', 'whose tasks it makes and sees (default "default")'),
    priority: text('N', 'of tasks whose caller names none'),
    rate: text('N/PERIOD', 'at most so many calls, such as 100/60s or 5000/1h'),
    expires: text('TIME', 'ISO 8601, such as 2027-01-01T00:00:00Z'),
    ...WAY_FLAGS,
  },
  examples: ['keys create ci --scopes enqueue,read --rate 100/60s', 'keys create ci --json | jq -r .key'],
  async run(values, [name = '']) {
    const wanted = readNewKey(name, values);
    return withOperations(values, async ({ call }) => {
      const made = await call.keys.create.mutate(wanted);
      await printOnce(values, {
        value: made,
        text: () => announceKey(made),
        remedy: remedyFor([made]),
      });
      return 0;
    });
  },
});
