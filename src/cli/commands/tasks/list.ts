import { defineCommand } from '../../command.ts';
import { FILTERS, readFilter } from '../../filters.ts';
import { live, type Screen } from '../../live.ts';
import { type Operations, withOperations } from '../../operations.ts';
import { flag, text, WAY_FLAGS, whole } from '../../options.ts';
import { print } from '../../print.ts';
import { tableOfTasks } from './describe.ts';

const EVERY_MS = 2_000;

export const list = defineCommand({
  name: 'tasks list',
  summary: 'Lists tasks, the newest first',
  options: {
    ...FILTERS,
    limit: whole('N', 'so many at most (default 20)', [1, 200]),
    cursor: text('CURSOR', 'goes on where a list ended'),
    watch: flag('shows it anew every 2 s until Ctrl-C or q'),
    ...WAY_FLAGS,
  },
  examples: [
    'tasks list',
    'tasks list --state failed --since 2h --name filings.analyze',
    'tasks list --state running --watch',
  ],
  async run({ limit = 20, cursor, ...values }) {
    const request = { ...readFilter(values), limit, ...(cursor !== undefined && { cursor }) };
    return withOperations(values, async ({ call }) => {
      if (values.watch && !values.json && process.stdout.isTTY) {
        await live((screen) => draw(call, request, screen), { everyMs: EVERY_MS });
        return 0;
      }
      const page = await call.tasks.list.query(request);
      const more = page.nextCursor === null ? '' : `\nThere are more: --cursor ${page.nextCursor}`;
      print(values, page, () => `${tableOfTasks(page.items)}${more}`);
      return 0;
    });
  },
});

async function draw(
  call: Operations['call'],
  request: Parameters<Operations['call']['tasks']['list']['query']>[0],
  { columns, rows }: Screen,
): Promise<string> {
  const limit = Math.max(1, rows - 3);
  const { items } = await call.tasks.list.query({
    ...request,
    limit: Math.min(limit, request?.limit ?? limit),
  });
  return `${new Date().toLocaleTimeString()}  (q leaves)\n${tableOfTasks(items, columns)}`;
}
