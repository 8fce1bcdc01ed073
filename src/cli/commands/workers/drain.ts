import type { DrainOutcome } from '../../../wire/worker.ts';
import { defineCommand } from '../../command.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { allPages, print } from '../../print.ts';

const SAID: Record<DrainOutcome, string> = {
  draining: 'was told to end: it claims nothing more, and what runs gets its grace',
  already_draining: 'is ending already',
  already_ended: 'has ended',
};

export const drain = defineCommand({
  name: 'workers drain',
  summary: 'Tells a worker, or all of them, to claim nothing more and to end, as SIGTERM does',
  arguments: [{ name: 'ID|all', which: 'worker' }],
  options: WAY_FLAGS,
  examples: ['workers drain 0b52c7cc-5e65-4dcd-a5a2-3e5f0f4f4f5c', 'workers drain all'],
  notes: [
    'The process exits with code 0: a supervisor that restarts always starts a fresh one, one that restarts on failure does not.',
  ],
  run: (values, [id = '']) =>
    withOperations(values, async ({ call }) => {
      const drainOne = async (one: string) => {
        const { worker, outcome } = await call.workers.drain.mutate({ id: one });
        return { ...worker, outcome };
      };
      if (id !== 'all') {
        const worker = await drainOne(id);
        print(values, worker, `Worker ${id} ${SAID[worker.outcome]}`);
        return 0;
      }
      const live = await allPages((cursor) =>
        call.workers.list.query({ state: ['live'], limit: 200, ...(cursor !== undefined && { cursor }) }),
      );
      const items = [];
      for (const worker of live.items) items.push(await drainOne(worker.id));
      const said = items.map((worker) => `Worker ${worker.id} ${SAID[worker.outcome]}`).join('\n');
      print(values, { items, nextCursor: null }, () => said || 'No worker is live');
      return 0;
    }),
});
