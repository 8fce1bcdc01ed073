import { defineCommand, UsageError } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { flag, text, WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';
import { describeEvents, eventsOption } from '../../webhook-flags.ts';

export const update = defineCommand({
  name: 'webhooks update',
  summary: 'Changes where a webhook goes and what it tells of, switches it off or on again',
  arguments: [{ name: 'ID', which: 'webhook' }],
  options: {
    to: text('URL', 'where messages go from now on, also those under way'),
    events: eventsOption,
    key: text('NAME', 'only of tasks that the API key of this name makes'),
    'every-key': flag('of the tasks of every key again'),
    enable: flag('switch it on, also after it was switched off by itself'),
    disable: flag('switch it off: nothing is sent to it'),
    ...WAY_FLAGS,
  },
  examples: [
    'webhooks update 0197b6f0-0000-7000-8000-000000000000 --enable',
    'webhooks update 0197b6f0-0000-7000-8000-000000000000 --to https://shop.example/hooks --events all',
  ],
  notes: ['What is not named stays. webhooks replay sends again what failed meanwhile.'],
  async run({ to, events, key, 'every-key': everyKey, enable, disable, ...values }, [id = '']) {
    if (enable && disable) throw new UsageError('say --enable or --disable, not both');
    if (everyKey && key !== undefined) throw new UsageError('say --key or --every-key, not both');
    const change = {
      ...(to !== undefined && { url: to }),
      ...(events !== undefined && { events }),
      ...(key !== undefined && { key }),
      ...(everyKey && { key: null }),
      ...((enable || disable) && { enabled: enable }),
    };
    if (Object.keys(change).length === 0)
      throw new UsageError('say what to change: --to, --events, --key, --every-key, --enable or --disable');
    return withOperations(values, async ({ call }) => {
      const webhook = await call.webhooks.update.mutate({ id, ...change });
      const { enabled, url } = webhook;
      const said = `Webhook ${id} is ${enabled ? 'active' : 'paused'}, goes to ${url} and is told of: ${describeEvents(webhook)}`;
      print(values, webhook, said);
      return 0;
    });
  },
});
