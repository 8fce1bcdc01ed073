import type { Task } from '../../../api/trpc/types.ts';
import type { Operations } from '../../operations.ts';
import { createProgressBar } from '../../progress-bar.ts';
import { tellHistory } from './tell-history.ts';

const STATES: Record<string, string> = {
  started: 'running',
  requeued: 'queued',
  handed_back: 'queued',
  snoozed: 'scheduled',
};
const TELLING = new Set([
  'queued',
  'waiting',
  'retrying',
  'succeeded',
  'failed',
  'cancelled',
  'expired',
  ...Object.keys(STATES),
]);

/** Shows on stderr how a task gets on, until it is final. */
export async function followTask(operations: Operations, id: string): Promise<Task> {
  const bar = createProgressBar(process.stderr);
  // First the number, then the state: what happens in between is told by both, and by neither is nothing.
  const after = await tellHistory(operations, id);
  const { state, progress } = await operations.call.tasks.get.query({ id, include: [] });
  let [shown, at] = [state as string, progress];
  bar.show(shown, at);
  for await (const update of operations.watch(id, { after })) {
    if (update.type === 'event' && TELLING.has(update.event.type)) {
      shown = STATES[update.event.type] ?? update.event.type;
    }
    if (update.type === 'progress') at = update.progress;
    if (update.type === 'event' && update.event.type === 'progress') {
      const { current, total, message } = update.event.data as unknown as Partial<NonNullable<typeof at>>;
      at = { current: current ?? 0, total: total ?? null, message: message ?? null };
    }
    if (update.type === 'end') {
      bar.show(update.task.state, update.task.progress ?? at);
      bar.end();
      return update.task;
    }
    bar.show(shown, at);
  }
  throw new Error(`the stream of task ${id} ended before the task`);
}
