import { defineCommand, UsageError } from '../../command.ts';
import { readRate } from '../../key-flags.ts';
import { withOperations } from '../../operations.ts';
import { flag, limit as count, WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';
import { describeLimits } from './describe.ts';

export const limit = defineCommand({
  name: 'queues limit',
  summary: 'Changes how much of a queue runs at a time, over all workers',
  arguments: [{ name: 'QUEUE', which: 'queue', completes: 'queues' }],
  options: {
    concurrency: count('at most so many attempts at a time'),
    'per-key': count('at most so many with the same concurrency key'),
    rate: {
      kind: 'value',
      value: 'N/PERIOD|none',
      help: 'at most so many starts, such as 100/60s',
      read: (text: string, name: string) => (text === 'none' ? null : readRate(text, name)),
      completes: ['none'],
    },
    'as-configured': flag('back to what the configuration says'),
    ...WAY_FLAGS,
  },
  examples: [
    'queues limit mail --concurrency 5 --rate 100/60s',
    'queues limit mail --rate none',
    'queues limit mail --as-configured',
  ],
  notes: ['What is not named stays. It holds over restarts, until --as-configured.'],
  async run({ concurrency, 'per-key': perKey, rate, 'as-configured': asConfigured, ...values }, [name = '']) {
    const given = Object.entries({ concurrency, perKey, rate }).filter(([, value]) => value !== undefined);
    if (asConfigured === given.length > 0) {
      throw new UsageError('say --concurrency, --per-key or --rate, or --as-configured alone');
    }
    const change = asConfigured ? { asConfigured: true as const } : Object.fromEntries(given);
    return withOperations(values, async ({ call }) => {
      const queue = await call.queues.limit.mutate({ name, ...change });
      print(values, queue, `Queue ${name}: ${describeLimits(queue.limits) || 'no limits'}`);
      return 0;
    });
  },
});
