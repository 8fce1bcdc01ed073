import type { AttemptView, EventView } from '../../../wire.ts';
import type { Task } from '../../../api/trpc/types.ts';
import { defineCommand } from '../../command.ts';
import { relative, span, timeOf } from '../../duration.ts';
import { withOperations } from '../../operations.ts';
import { flag, WAY_FLAGS } from '../../options.ts';
import { drawBar } from '../../progress-bar.ts';
import { print } from '../../print.ts';
import { shortJson } from '../../short-json.ts';
import { facts, table } from '../../table.ts';
import { describeEvent } from './describe-event.ts';

export const show = defineCommand({
  name: 'tasks show',
  summary: 'Shows a task: its state, its attempts, what went in and what came out',
  arguments: [{ name: 'ID', which: 'task' }],
  options: { events: flag('its history too'), ...WAY_FLAGS },
  examples: ['tasks show 0197b6f0-0000-7000-8000-000000000000', 'tasks show ID --json | jq .result'],
  notes: ['--json prints the task as GET /v1/tasks/ID does; with --events {task, attempts, events}.'],
  run: (values, [id = '']) =>
    withOperations(values, async ({ call }) => {
      const task = await call.tasks.get.query({ id });
      if (values.json && !values.events) {
        print(values, task, '');
        return 0;
      }
      const { items: attempts } = await call.tasks.attempts.query({ id });
      const events = values.events ? (await call.tasks.events.query({ id, limit: 200 })).items : [];
      print(values, { task, attempts, events }, () => describe(task, attempts, events));
      return 0;
    }),
});

function describe(task: Task, attempts: readonly AttemptView[], events: readonly EventView[]): string {
  const { progress, error } = task;
  const told = facts([
    ['id', task.id],
    ['name', task.name],
    ['queue', task.queue],
    ['state', task.state],
    [
      'attempt',
      `${task.attempt} of ${task.maxAttempts}${task.crashes > 0 ? `, ${task.crashes} crashes` : ''}`,
    ],
    ['progress', progress && task.state === 'running' ? drawBar(task.state, progress) : null],
    ['error', error && `${error.code}: ${error.message}`],
    ['made', `${timeOf(task.createdAt)}${task.createdBy === null ? '' : ` by ${task.createdBy}`}`],
    ['due', task.state === 'scheduled' || task.state === 'retrying' ? timeOf(task.dueAt) : null],
    ['started', timeOf(task.startedAt)],
    ['finished', timeOf(task.finishedAt)],
    [
      'cancel',
      task.cancelRequestedAt &&
        `${timeOf(task.cancelRequestedAt)} by ${task.cancelRequestedBy ?? '?'} ${task.cancelReason ?? ''}`,
    ],
    ['overdue since', timeOf(task.overdueAt)],
    ['tags', task.tags.join(', ')],
    ['batch', task.batchId],
    ['parent', task.parentId],
    ['input', shortJson(task.input)],
    ['result', task.state === 'succeeded' ? shortJson(task.result) : null],
  ]);
  const rows = attempts.map((attempt) => ({
    attempt: String(attempt.attempt),
    outcome: attempt.outcome ?? 'running',
    started: relative(attempt.startedAt),
    took: span(Date.parse(attempt.endedAt ?? new Date().toISOString()) - Date.parse(attempt.startedAt)),
    'worker id': attempt.worker ?? '-',
    error: attempt.error === null ? '' : `${attempt.error.code}: ${attempt.error.message}`,
  }));
  return [
    told,
    ...(rows.length > 0 ? ['', table(rows)] : []),
    ...(events.length > 0 ? [''] : []),
    ...events.map(describeEvent),
  ].join('\n');
}
