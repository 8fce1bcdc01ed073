import { audited } from '../../audit/call.ts';
import { retryTasks } from '../../tasks/retry-all.ts';
import { retryTask } from '../../tasks/retry.ts';
import { readArguments } from '../arguments.ts';
import { UsageError, type Command } from '../command.ts';
import { FILTER_FLAGS, FILTER_HELP, readFilter } from '../filters.ts';
import { describeTotals, sweep } from '../sweep.ts';
import { withLovage } from '../with-lovage.ts';

export const retry: Command = {
  name: 'retry',
  summary: 'Runs a final task again, or all that match',
  usage: 'retry ID | retry --state failed [--name NAME] [--queue QUEUE] …',
  options: [...FILTER_HELP, ['--json', 'print JSON']],
  examples: [
    'retry 0197b6f0-0000-7000-8000-000000000000',
    'retry --state failed --name filings.analyze',
    'retry --queue mail --created-after 2026-11-01T00:00:00Z',
  ],
  run(args) {
    const flags = { ...FILTER_FLAGS, json: { type: 'boolean', default: false } } as const;
    const { values, positionals } = readArguments(args, flags, 1);
    const [id] = positionals;
    const filter = readFilter(values);
    if ((id === undefined) === (filter === undefined)) {
      throw new UsageError('say which: lovage retry ID, or lovage retry --state failed …');
    }
    return withLovage(async (lovage, caller) => {
      if (id !== undefined) {
        const call = { action: 'tasks.retry', request: { id } };
        const { task, outcome } = await audited(lovage, caller, call, () => retryTask(lovage, caller, id));
        const said = outcome === 'queued' ? 'is queued again' : `is ${task.state}: there is nothing to retry`;
        console.log(values.json ? JSON.stringify({ id, outcome }, null, 2) : `Task ${id} ${said}`);
        return 0;
      }
      const call = { action: 'tasks.retryAll', request: filter };
      const totals = await sweep('retrying', (cursor) =>
        audited(lovage, caller, call, () => retryTasks(lovage, caller, { ...filter, cursor })),
      );
      console.log(values.json ? JSON.stringify(totals, null, 2) : describeTotals(totals));
      return 0;
    });
  },
};
