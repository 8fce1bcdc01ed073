import { defineCommand } from '../../command.ts';
import { relative } from '../../duration.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';
import { facts, table } from '../../table.ts';
import { describeEvents } from '../../webhook-flags.ts';
import { describeDelivery } from './deliveries.ts';

export const show = defineCommand({
  name: 'webhooks show',
  summary: 'Shows a webhook and what was told to it last',
  arguments: [{ name: 'ID', which: 'webhook' }],
  options: WAY_FLAGS,
  examples: ['webhooks show 0197b6f0-0000-7000-8000-000000000000'],
  notes: ['--json prints {webhook, deliveries}.'],
  run: (values, [id = '']) =>
    withOperations(values, async ({ call }) => {
      const webhook = await call.webhooks.get.query({ id });
      const deliveries = await call.webhooks.deliveries.query({ webhookId: id, limit: 10 });
      print(values, { webhook, deliveries }, () =>
        [
          facts([
            ['id', webhook.id],
            ['url', webhook.url],
            ['state', webhook.enabled ? 'active' : 'paused'],
            [
              'disabled',
              webhook.disabledAt && `${relative(webhook.disabledAt)}: ${webhook.disabledReason ?? ''}`,
            ],
            ['events', describeEvents(webhook)],
            ['only of key', webhook.key],
            [
              'made',
              `${relative(webhook.createdAt)}${webhook.createdBy === null ? '' : ` by ${webhook.createdBy}`}`,
            ],
          ]),
          '',
          table(deliveries.items.map(describeDelivery)),
        ].join('\n'),
      );
      return 0;
    }),
});
