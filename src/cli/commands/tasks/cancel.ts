import type { CancelOutcome } from '../../../wire.ts';
import { defineCommand, UsageError } from '../../command.ts';
import { FILTERS, readFilter } from '../../filters.ts';
import { withOperations } from '../../operations.ts';
import { text, WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';
import { describeTotals, sweep } from '../../sweep.ts';

const SAID: Record<CancelOutcome, string> = {
  cancelled: 'is cancelled',
  requested: 'runs; its handler was told to stop',
  already_final: 'is final already: nothing was changed',
};

export const cancel = defineCommand({
  name: 'tasks cancel',
  aliases: ['cancel'],
  summary: 'Cancels a task, or all that match',
  arguments: [{ name: 'ID', which: 'task', isOptional: true }],
  options: { ...FILTERS, reason: text('TEXT', 'why, for the history'), ...WAY_FLAGS },
  examples: [
    'tasks cancel 0197b6f0-0000-7000-8000-000000000000 --reason "wrong file"',
    'tasks cancel --name filings.analyze --state queued,scheduled',
  ],
  async run({ reason, ...values }, [id]) {
    const filter = readFilter(values);
    if ((id === undefined) === (filter === undefined)) {
      throw new UsageError('say which: lovage cancel ID, or lovage cancel --queue QUEUE …');
    }
    const why = reason === undefined ? {} : { reason };
    return withOperations(values, async ({ call }) => {
      if (id !== undefined) {
        const { task, outcome } = await call.tasks.cancel.mutate({ id, ...why });
        print(values, { ...task, outcome }, `Task ${id} ${SAID[outcome]}`);
        return 0;
      }
      const totals = await sweep('cancelling', (cursor) =>
        call.tasks.cancelAll.mutate({ ...filter, ...why, ...(cursor !== undefined && { cursor }) }),
      );
      print(values, totals, describeTotals(totals));
      return 0;
    });
  },
});
