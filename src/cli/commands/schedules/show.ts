import type { ScheduleRunView, ScheduleView } from '../../../wire/schedules.ts';
import { defineCommand } from '../../command.ts';
import { timeOf } from '../../duration.ts';
import { withOperations } from '../../operations.ts';
import { WAY_FLAGS } from '../../options.ts';
import { print } from '../../print.ts';
import { shortJson } from '../../short-json.ts';
import { facts, table } from '../../table.ts';
import { describeRule } from './describe.ts';

const RUNS = 10;

export const show = defineCommand({
  name: 'schedules show',
  summary: 'Shows a schedule, and what became of its last times',
  arguments: [{ name: 'NAME', which: 'schedule', completes: 'schedules' }],
  options: WAY_FLAGS,
  examples: ['schedules show nightly-cleanup'],
  notes: ['--json prints {schedule, runs}.'],
  run: (values, [name = '']) =>
    withOperations(values, async ({ call }) => {
      const schedule = await call.schedules.get.query({ name });
      const runs = await call.schedules.runs.query({ name, limit: RUNS });
      print(values, { schedule, runs }, () =>
        [describe(schedule), '', table(runs.items.map(describeRun))].join('\n'),
      );
      return 0;
    }),
});

const describe = (schedule: ScheduleView): string =>
  facts([
    ['name', schedule.name],
    ['task', schedule.task],
    ['input', shortJson(schedule.input)],
    ['rule', describeRule(schedule)],
    ['state', schedule.state],
    ['paused', schedule.pausedAt && `${timeOf(schedule.pausedAt)} by ${schedule.pausedBy ?? '?'}`],
    ['next', timeOf(schedule.nextAt)],
    ['last', timeOf(schedule.lastAt)],
    ['last task', schedule.lastTaskId],
    ['last error', schedule.lastError],
    ['missed', schedule.missed],
    ['priority', schedule.priority === null ? null : String(schedule.priority)],
    ['tags', schedule.tags.join(', ')],
    ['from', schedule.source],
    [
      'made',
      `${timeOf(schedule.createdAt)}${schedule.createdBy === null ? '' : ` by ${schedule.createdBy}`}`,
    ],
    ['changed', schedule.updatedAt === schedule.createdAt ? null : timeOf(schedule.updatedAt)],
  ]);

const describeRun = (run: ScheduleRunView) => ({
  time: timeOf(run.occurrence) ?? '',
  kind: run.kind.replace('_', ' '),
  'task id': run.taskId ?? '-',
  error: run.error ?? '',
});
