import type { ScheduleView } from '../../../wire/schedules.ts';
import { defineCommand } from '../../command.ts';
import { relative } from '../../duration.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { allPages, print } from '../../print.ts';
import { table } from '../../table.ts';
import { describeRule } from './describe.ts';

export const list = defineCommand({
  name: 'schedules list',
  summary: 'Lists the schedules: their rules, when they run next and ran last',
  options: WAY_FLAGS,
  examples: ['schedules'],
  run: (values) =>
    withOperations(values, async ({ call }) => {
      const page = await allPages((cursor) =>
        call.schedules.list.query({ limit: 200, ...(cursor !== undefined && { cursor }) }),
      );
      print(values, page, () => table(page.items.map(describe)));
      return 0;
    }),
});

const describe = (schedule: ScheduleView) => ({
  schedule: schedule.name,
  task: schedule.task,
  rule: describeRule(schedule),
  next: relative(schedule.nextAt),
  last: schedule.lastError === null ? relative(schedule.lastAt) : `failed: ${schedule.lastError}`,
  state: schedule.state,
  from: schedule.source,
});
