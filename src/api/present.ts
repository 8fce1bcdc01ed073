import { z } from 'zod';
import type { TaskView } from '../wire.ts';

export const INCLUDES = ['input', 'result'] as const;
export type Include = (typeof INCLUDES)[number];
export const includes = z.array(z.enum(INCLUDES));

/** A task without what can be megabytes, except what was asked for. */
export function presentTask(task: TaskView, include: readonly Include[]): TaskView {
  const { input, result, ...rest } = task;
  return {
    ...rest,
    ...(include.includes('input') && { input }),
    ...(include.includes('result') && { result: result ?? null }),
  };
}
