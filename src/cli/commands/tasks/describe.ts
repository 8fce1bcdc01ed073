import type { TaskView } from '../../../wire.ts';
import { relative } from '../../duration.ts';
import { table } from '../../table.ts';

type Listed = Omit<TaskView, 'input' | 'result'>;

/** A task a line; where room is short, the note counts for more than the rest. */
export const tableOfTasks = (tasks: readonly Listed[], width?: number): string =>
  table(tasks.map(describeTask), { width, spare: ['queue', 'attempt', 'created'] });

const describeTask = (task: Listed) => ({
  id: task.id,
  name: task.name,
  queue: task.queue,
  state: task.state,
  attempt: `${task.attempt}/${task.maxAttempts}`,
  created: relative(task.createdAt),
  note: noteOf(task),
});

function noteOf({ state, progress, error, dueAt, cancelRequestedAt, cancelReason, crashes }: Listed): string {
  if (state === 'scheduled' || state === 'retrying') {
    return [`due ${relative(dueAt)}`, error?.message].filter(Boolean).join('; ');
  }
  if (state === 'running' && cancelRequestedAt !== null) return `told to stop ${relative(cancelRequestedAt)}`;
  if (state === 'running' && progress) {
    const { current, total, message } = progress;
    return [total === null ? String(current) : `${current}/${total}`, message].filter(Boolean).join(' ');
  }
  if (state === 'cancelled') return cancelReason ?? '';
  if (error) return `${error.code}: ${error.message}`;
  return crashes > 0 ? `${crashes} crashes` : '';
}
