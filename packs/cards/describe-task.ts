import type { Rendered } from 'lovage';
import type { z } from 'zod';
import type { taskAnswer } from './answers.ts';

type Task = Rendered['task'];

/** A task in the words of the old clients: every key is there, and to them it has one step. */
export function describeTask({ task, state }: Rendered): Record<keyof z.output<typeof taskAnswer>, unknown> {
  return {
    taskId: task.id,
    status: state,
    createdAt: task.createdAt,
    completedAt: task.finishedAt,
    progress: { current: task.state === 'succeeded' ? 1 : 0, total: 1 },
    result: task.result,
    error: errorOf(task),
  };
}

export const messageOf = (task: Task): string => errorOf(task)?.message ?? 'The note was not added';

/** An attempt that failed and is tried again is no failure yet. */
function errorOf({ state, error, cancelReason }: Task): { type: string; message: string } | null {
  if (state === 'cancelled') return { type: 'Cancelled', message: cancelReason ?? 'It was cancelled' };
  if (state === 'expired') return { type: 'Expired', message: 'It was removed before it ran' };
  if (state !== 'failed') return null;
  return { type: error?.code ?? 'Error', message: error?.message ?? 'It failed' };
}
