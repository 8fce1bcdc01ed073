import { defineCommand } from '../../command.ts';
import { EXIT } from '../../failure.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';

export const replay = defineCommand({
  name: 'webhooks replay',
  summary: 'Sends a delivery again',
  arguments: [{ name: 'DELIVERY', which: 'delivery' }],
  options: WAY_FLAGS,
  examples: ['webhooks replay 0197b6f0-0000-7000-8000-000000000000'],
  notes: ['Exit code 3 where it is still being delivered.'],
  run: (values, [id = '']) =>
    withOperations(values, async ({ call }) => {
      const { delivery, outcome } = await call.webhooks.replay.mutate({ id });
      const isQueued = outcome === 'queued';
      const said = isQueued ? 'is sent again' : 'is still being delivered: nothing was changed';
      print(values, { ...delivery, outcome }, `Delivery ${id} ${said}`);
      return isQueued ? EXIT.done : EXIT.notThere;
    }),
});
