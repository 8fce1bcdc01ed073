import type { BatchView } from '../../../wire/batches.ts';
import { defineCommand } from '../../command.ts';
import { relative } from '../../duration.ts';
import { withOperations } from '../../operations.ts';
import { text, WAY_FLAGS, whole } from '../../options.ts';
import { print } from '../../print.ts';
import { table } from '../../table.ts';
import { describeCounts } from './describe.ts';

export const list = defineCommand({
  name: 'batches list',
  summary: 'Lists batches, the newest first',
  options: {
    limit: whole('N', 'so many at most (default 20)', [1, 50]),
    cursor: text('CURSOR', 'goes on where a list ended'),
    ...WAY_FLAGS,
  },
  examples: ['batches', 'batches list --limit 50'],
  run: ({ limit = 20, cursor, ...values }) =>
    withOperations(values, async ({ call }) => {
      const page = await call.batches.list.query({ limit, ...(cursor !== undefined && { cursor }) });
      const more = page.nextCursor === null ? '' : `\nThere are more: --cursor ${page.nextCursor}`;
      print(values, page, () => `${table(page.items.map(describe))}${more}`);
      return 0;
    }),
});

const describe = (batch: BatchView) => ({
  id: batch.id,
  label: batch.label ?? '',
  state: batch.state,
  tasks: `${batch.total}`,
  counts: describeCounts(batch),
  created: relative(batch.createdAt),
});
