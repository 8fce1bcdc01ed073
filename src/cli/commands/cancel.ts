import { audited } from '../../audit/call.ts';
import { cancelTasks } from '../../tasks/cancel-all.ts';
import { cancelTask } from '../../tasks/cancel.ts';
import type { CancelOutcome } from '../../wire.ts';
import { readArguments } from '../arguments.ts';
import { UsageError, type Command } from '../command.ts';
import { FILTER_FLAGS, FILTER_HELP, readFilter } from '../filters.ts';
import { describeTotals, sweep } from '../sweep.ts';
import { withLovage } from '../with-lovage.ts';

const SAID: Record<CancelOutcome, string> = {
  cancelled: 'is cancelled',
  requested: 'runs; its handler was told to stop',
  already_final: 'is final already: nothing was changed',
};

export const cancel: Command = {
  name: 'cancel',
  summary: 'Cancels a task, or all that match',
  usage: 'cancel ID [--reason TEXT] | cancel --queue QUEUE [--state queued] … [--reason TEXT]',
  options: [['--reason TEXT', 'why, for the history'], ...FILTER_HELP, ['--json', 'print JSON']],
  examples: [
    'cancel 0197b6f0-0000-7000-8000-000000000000 --reason "wrong file"',
    'cancel --name filings.analyze --state queued,scheduled',
  ],
  run(args) {
    const flags = {
      ...FILTER_FLAGS,
      reason: { type: 'string' },
      json: { type: 'boolean', default: false },
    } as const;
    const { values, positionals } = readArguments(args, flags, 1);
    const [id] = positionals;
    const filter = readFilter(values);
    if ((id === undefined) === (filter === undefined)) {
      throw new UsageError('say which: lovage cancel ID, or lovage cancel --queue QUEUE …');
    }
    const { reason, json } = values;
    return withLovage(async (lovage, caller) => {
      if (id !== undefined) {
        const call = { action: 'tasks.cancel', request: { id, reason } };
        const { outcome } = await audited(lovage, caller, call, () =>
          cancelTask(lovage, caller, id, { reason }),
        );
        console.log(json ? JSON.stringify({ id, outcome }, null, 2) : `Task ${id} ${SAID[outcome]}`);
        return 0;
      }
      const call = { action: 'tasks.cancelAll', request: { ...filter, reason } };
      const totals = await sweep('cancelling', (cursor) =>
        audited(lovage, caller, call, () => cancelTasks(lovage, caller, { ...filter, reason, cursor })),
      );
      console.log(json ? JSON.stringify(totals, null, 2) : describeTotals(totals));
      return 0;
    });
  },
};
