import type { WebhookView } from '../../../wire/webhooks.ts';
import { defineCommand } from '../../command.ts';
import { relative } from '../../duration.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';
import { table } from '../../table.ts';

export const list = defineCommand({
  name: 'webhooks list',
  summary: 'Lists where the ends of tasks and batches are told',
  options: WAY_FLAGS,
  examples: ['webhooks'],
  run: (values) =>
    withOperations(values, async ({ call }) => {
      const page = await call.webhooks.list.query();
      print(values, page, () => table(page.items.map(describeWebhook)));
      return 0;
    }),
});

const describeWebhook = (webhook: WebhookView) => ({
  id: webhook.id,
  url: webhook.url,
  events: webhook.events.join(',') || 'all',
  key: webhook.key ?? '',
  state: webhook.enabled ? 'active' : 'paused',
  since: relative(webhook.disabledAt ?? webhook.createdAt),
  reason: webhook.disabledReason ?? '',
});
