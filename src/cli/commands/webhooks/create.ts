import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { text, WAY_FLAGS } from '../../options.ts';
import { printOnce } from '../../print-once.ts';
import {
  describeEvents,
  eventsOption,
  readGivenSecret,
  remedyFor,
  secretOption,
} from '../../webhook-flags.ts';

export const create = defineCommand({
  name: 'webhooks create',
  summary: 'Makes a webhook, and shows its secret this once',
  arguments: [{ name: 'URL', which: 'URL' }],
  options: {
    events: eventsOption,
    key: text('NAME', 'only of tasks that the API key of this name makes (default: of every key)'),
    secret: secretOption,
    ...WAY_FLAGS,
  },
  examples: [
    'webhooks create https://shop.example/hooks --events task.failed,task.expired',
    'webhooks create https://shop.example/hooks --key ci --json | jq -r .secret',
  ],
  notes: [
    'It is told of what is accepted from now on. --url is the API that is spoken to, not where messages go.',
  ],
  async run({ events, key, secret, ...values }, [url = '']) {
    const wanted = {
      url,
      ...(events !== undefined && { events }),
      ...(key !== undefined && { key }),
      ...(await readGivenSecret(secret)),
    };
    return withOperations(values, async ({ call }) => {
      const made = await call.webhooks.create.mutate(wanted);
      await printOnce(values, {
        value: made,
        text: () =>
          `${made.secret}\n\nThis is the only time the secret is shown. Webhook ${made.id} is told of: ${describeEvents(made)}.`,
        remedy: remedyFor(made),
      });
      return 0;
    });
  },
});
