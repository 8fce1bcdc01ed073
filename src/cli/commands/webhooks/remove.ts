import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';

export const remove = defineCommand({
  name: 'webhooks remove',
  summary: 'Removes a webhook: what is under way to it fails, what was sent stays to be read',
  arguments: [{ name: 'ID', which: 'webhook' }],
  options: WAY_FLAGS,
  examples: ['webhooks remove 0197b6f0-0000-7000-8000-000000000000'],
  run: (values, [id = '']) =>
    withOperations(values, async ({ call }) => {
      const webhook = await call.webhooks.remove.mutate({ id });
      print(values, webhook, `Webhook ${id} (${webhook.url}) is removed`);
      return 0;
    }),
});
