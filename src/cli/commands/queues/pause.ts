import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { text, WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';

export const pause = defineCommand({
  name: 'queues pause',
  aliases: ['pause'],
  summary: 'Lets nothing of a queue start until it is resumed',
  arguments: [{ name: 'QUEUE', which: 'queue', completes: 'queues' }],
  options: { reason: text('TEXT', 'why, for whoever asks'), ...WAY_FLAGS },
  examples: ['queues pause mail --reason "the provider is down"'],
  run: ({ reason, ...values }, [name = '']) =>
    withOperations(values, async ({ call }) => {
      const { queue, outcome } = await call.queues.pause.mutate({
        name,
        ...(reason !== undefined && { reason }),
      });
      const { by, reason: why } = queue.paused ?? {};
      print(
        values,
        { ...queue, outcome },
        outcome === 'paused'
          ? `Queue ${name} is paused; what runs goes on (${queue.running ?? '?'})`
          : `Queue ${name} is paused already, by ${[by, why].filter(Boolean).join(': ')}`,
      );
      return 0;
    }),
});
