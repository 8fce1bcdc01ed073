import { DELIVERY_STATES, type DeliveryView } from '../../../wire/webhooks.ts';
import { defineCommand } from '../../command.ts';
import { relative } from '../../duration.ts';
import { withOperations } from '../../operations.ts';
import { oneOf, text, WAY_FLAGS, whole } from '../../options.ts';
import { print } from '../../print.ts';
import { table } from '../../table.ts';

export const deliveries = defineCommand({
  name: 'webhooks deliveries',
  summary: 'Lists what was told to receivers, the newest first',
  arguments: [{ name: 'ID', which: 'webhook', isOptional: true }],
  options: {
    state: oneOf('STATE', DELIVERY_STATES, `only those that are ${DELIVERY_STATES.join(', ')}`),
    task: text('ID', 'only of this task'),
    batch: text('ID', 'only of this batch'),
    limit: whole('N', 'so many at most (default 20)', [1, 200]),
    cursor: text('CURSOR', 'goes on where a list ended'),
    ...WAY_FLAGS,
  },
  examples: [
    'webhooks deliveries --state failed',
    'webhooks deliveries --task 0197b6f0-0000-7000-8000-000000000000',
  ],
  run: ({ state, task, batch, limit = 20, cursor, ...values }, [webhookId]) => {
    const given = { webhookId, taskId: task, batchId: batch, state, cursor };
    const filter = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    return withOperations(values, async ({ call }) => {
      const page = await call.webhooks.deliveries.query({ ...filter, limit });
      const more = page.nextCursor === null ? '' : `\nThere are more: --cursor ${page.nextCursor}`;
      print(values, page, () => `${table(page.items.map(describeDelivery))}${more}`);
      return 0;
    });
  },
});

export const describeDelivery = (delivery: DeliveryView) => ({
  id: delivery.id,
  event: delivery.event,
  state: delivery.state,
  tries: String(delivery.tries),
  status: delivery.lastStatus === null ? '' : String(delivery.lastStatus),
  made: relative(delivery.createdAt),
  next: delivery.state === 'pending' ? relative(delivery.nextTryAt) : '',
  'of id': delivery.taskId ?? delivery.batchId ?? '-',
  error: delivery.lastError ?? '',
});
