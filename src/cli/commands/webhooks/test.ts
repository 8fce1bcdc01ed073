import { setTimeout as wait } from 'node:timers/promises';
import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';

const WAIT_MS = 15_000;
const LOOK_MS = 250;

export const test = defineCommand({
  name: 'webhooks test',
  summary: 'Sends a message to a webhook, and says what came of it',
  arguments: [{ name: 'ID', which: 'webhook' }],
  options: WAY_FLAGS,
  examples: ['webhooks test 0197b6f0-0000-7000-8000-000000000000'],
  notes: [
    `Waits up to ${WAIT_MS / 1000} s for the first answer. Exit code 0 where it was delivered, else 1.`,
  ],
  run: (values, [id = '']) =>
    withOperations(values, async ({ call }) => {
      let delivery = await call.webhooks.test.mutate({ id });
      const deadline = performance.now() + WAIT_MS;
      while (delivery.state === 'pending' && delivery.lastError === null && performance.now() < deadline) {
        await wait(LOOK_MS);
        delivery = await call.webhooks.delivery.query({ id: delivery.id });
      }
      const status = delivery.lastStatus === null ? '' : ` (${delivery.lastStatus})`;
      const why = delivery.lastError ?? 'no worker has tried yet: is one running?';
      const isDelivered = delivery.state === 'delivered';
      print(values, delivery, isDelivered ? `Delivered${status}` : `Not delivered${status}: ${why}`);
      return isDelivered ? 0 : 1;
    }),
});
