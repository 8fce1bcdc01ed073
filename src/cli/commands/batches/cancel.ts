import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { text, WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';

const SAID = {
  cancelled: 'is cancelled',
  requested: 'is being cancelled; handlers that run were told to stop',
  already_finished: 'is finished already: nothing was changed',
} as const;

export const cancel = defineCommand({
  name: 'batches cancel',
  summary: 'Cancels the tasks of a batch',
  arguments: [{ name: 'ID', which: 'batch' }],
  options: { reason: text('TEXT', 'why, for the history'), ...WAY_FLAGS },
  examples: ['batches cancel 0197b6f0-0000-7000-8000-000000000000 --reason "wrong folder"'],
  run: ({ reason, ...values }, [id = '']) =>
    withOperations(values, async ({ call }) => {
      const { batch, outcome } = await call.batches.cancel.mutate({
        id,
        ...(reason !== undefined && { reason }),
      });
      print(values, { ...batch, outcome }, `Batch ${id} ${SAID[outcome]}`);
      return 0;
    }),
});
