import { listQueues } from '../../queues/list.ts';
import type { QueueView } from '../../wire.ts';
import { readArguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { table } from '../table.ts';
import { withLovage } from '../with-lovage.ts';

export const queues: Command = {
  name: 'queues',
  summary: 'Lists the queues: what waits, what runs, what holds them back',
  usage: 'queues [--json]',
  options: [['--json', 'print JSON']],
  examples: ['queues'],
  run(args) {
    const { values } = readArguments(args, { json: { type: 'boolean', default: false } });
    return withLovage(async (lovage) => {
      const { items } = await listQueues(lovage);
      console.log(values.json ? JSON.stringify(items, null, 2) : table(items.map(describe)));
      return 0;
    });
  },
};

const describe = ({ name, waiting, waitingIsMore, running, limits, paused }: QueueView) => ({
  queue: name,
  waiting: `${waiting}${waitingIsMore ? '+' : ''}`,
  running: `${running ?? '?'}`,
  limits: [
    limits.concurrency === null ? '' : `${limits.concurrency} at a time`,
    limits.perKey === null ? '' : `${limits.perKey} a key`,
    limits.rate === null ? '' : `${limits.rate.limit} in ${limits.rate.periodMs} ms`,
  ]
    .filter(Boolean)
    .join(', '),
  paused: paused === null ? '' : [paused.by, paused.reason].filter(Boolean).join(': '),
});
