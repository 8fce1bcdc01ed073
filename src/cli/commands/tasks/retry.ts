import { defineCommand, UsageError } from '../../command.ts';
import { EXIT } from '../../failure.ts';
import { FILTERS, readFilter } from '../../filters.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';
import { describeTotals, sweep } from '../../sweep.ts';

export const retry = defineCommand({
  name: 'tasks retry',
  aliases: ['retry'],
  summary: 'Runs a final task again, or all that match',
  arguments: [{ name: 'ID', which: 'task', isOptional: true }],
  options: { ...FILTERS, ...WAY_FLAGS },
  examples: [
    'tasks retry 0197b6f0-0000-7000-8000-000000000000',
    'tasks retry --state failed --name filings.analyze --since 2h',
  ],
  notes: ['Exit code 3 where the one task is not final: there is nothing to retry.'],
  async run(values, [id]) {
    const filter = readFilter(values);
    if ((id === undefined) === (filter === undefined)) {
      throw new UsageError('say which: lovage retry ID, or lovage retry --state failed …');
    }
    return withOperations(values, async ({ call }) => {
      if (id !== undefined) {
        const { task, outcome } = await call.tasks.retry.mutate({ id });
        const isQueued = outcome === 'queued';
        const said = isQueued ? 'is queued again' : `is ${task.state}: there is nothing to retry`;
        print(values, { ...task, outcome }, `Task ${id} ${said}`);
        return isQueued ? EXIT.done : EXIT.notThere;
      }
      const totals = await sweep('retrying', (cursor) =>
        call.tasks.retryAll.mutate({ ...filter, ...(cursor !== undefined && { cursor }) }),
      );
      print(values, totals, describeTotals(totals));
      return EXIT.done;
    });
  },
});
