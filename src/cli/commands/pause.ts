import { audited } from '../../audit/call.ts';
import { pauseQueue } from '../../queues/pause.ts';
import { readArguments } from '../arguments.ts';
import { UsageError, type Command } from '../command.ts';
import { withLovage } from '../with-lovage.ts';

export const pause: Command = {
  name: 'pause',
  summary: 'Lets nothing of a queue start until it is resumed',
  usage: 'pause QUEUE [--reason TEXT]',
  options: [['--reason TEXT', 'why, for whoever asks']],
  examples: ['pause mail --reason "the provider is down"'],
  run(args) {
    const { values, positionals } = readArguments(args, { reason: { type: 'string' } }, 1);
    const [name] = positionals;
    if (!name) throw new UsageError('say which queue: lovage pause QUEUE');
    return withLovage(async (lovage, caller) => {
      const call = { action: 'queues.pause', request: { name, ...values } };
      const { queue, outcome } = await audited(lovage, caller, call, () =>
        pauseQueue(lovage, caller, name, values),
      );
      const { by, reason } = queue.paused ?? {};
      console.log(
        outcome === 'paused'
          ? `Queue ${name} is paused; what runs goes on (${queue.running ?? '?'})`
          : `Queue ${name} is paused already, by ${[by, reason].filter(Boolean).join(': ')}`,
      );
      return 0;
    });
  },
};
