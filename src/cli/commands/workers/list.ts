import { WORKER_STATES, type WorkerState, type WorkerView } from '../../../wire/worker.ts';
import { defineCommand } from '../../command.ts';
import { relative } from '../../duration.ts';
import { withOperations } from '../../operations.ts';
import { flag, listOf, WAY_FLAGS } from '../../options.ts';
import { allPages, print } from '../../print.ts';
import { table } from '../../table.ts';

export const list = defineCommand({
  name: 'workers list',
  summary: 'Lists the workers that live: what they serve, how much they run',
  options: {
    state: listOf(WORKER_STATES, 'only those in these states (default live,draining)'),
    all: flag('those that ended too'),
    ...WAY_FLAGS,
  },
  examples: ['workers', 'workers list --state lost', 'workers list --all --json'],
  run: ({ state: given, all, ...values }) =>
    withOperations(values, async ({ call }) => {
      const state: WorkerState[] = given ?? ['live', 'draining'];
      const page = await allPages((cursor) =>
        call.workers.list.query({
          limit: 200,
          ...(!all && { state }),
          ...(cursor !== undefined && { cursor }),
        }),
      );
      print(values, page, () => table(page.items.map(describe)));
      return 0;
    }),
});

const describe = (worker: WorkerView) => ({
  id: worker.id,
  host: `${worker.host}:${worker.pid}`,
  state: worker.state,
  running: `${worker.running ?? '?'}/${worker.slots}`,
  queues: worker.queues.join(','),
  version: worker.version,
  started: relative(worker.startedAt),
  heard: relative(worker.heartbeatAt),
});
