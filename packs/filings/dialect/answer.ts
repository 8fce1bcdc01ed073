import type { DialectReply, Rendered } from 'lovage';
import { z } from 'zod';
import { detail } from './errors.ts';

const json = z.json();

/** The answers' shapes, for the OpenAPI document. */
export const acceptedSchema = z.object({ task_id: z.uuid(), status_url: z.string(), message: z.string() });
export const errorSchema = z.object({ detail: z.string() });
export const invalidSchema = z.object({
  detail: z.array(
    z.object({ loc: z.array(z.union([z.string(), z.int()])), msg: z.string(), type: z.string() }),
  ),
});
export const limitedSchema = z.object({ error: z.string() });
export const statusSchema = z.object({
  task_id: z.uuid(),
  status: z.enum(['PENDING', 'PROGRESS', 'RETRY', 'SUCCESS', 'FAILURE', 'REVOKED']),
  progress: z
    .object({ current: z.number(), total: z.number().nullable(), status: z.string().nullable() })
    .nullable(),
  result: json,
  error: z.string().nullable(),
});
export const refusals = { 401: errorSchema, 422: invalidSchema, 429: limitedSchema, 503: errorSchema };

export const accept =
  (message: string, pathOf: (id: string) => string = (id) => `/tasks/${id}`) =>
  ({ task, link }: Rendered): DialectReply => ({
    status: 202,
    body: { task_id: task.id, status_url: link(pathOf(task.id)), message },
  });

/** To callers that wait: the bare result, or why there is none. */
export function finish(view: Rendered): DialectReply {
  if (view.task.state === 'succeeded') return { status: 200, body: view.task.result };
  const isBadFiling = view.task.error?.code === 'IntegrationError';
  return detail(isBadFiling ? 400 : 500, errorText(view) ?? `The task was ${view.state}`);
}

export function showStatus(view: Rendered): DialectReply {
  const { id, progress, result } = view.task;
  return {
    status: 200,
    body: {
      task_id: id,
      status: view.state,
      progress: progress && { current: progress.current, total: progress.total, status: progress.message },
      result,
      error: errorText(view),
    },
  };
}

/** Errors are a string here. */
export function errorText({ task }: Rendered): string | null {
  return task.error && task.state !== 'succeeded' ? task.error.message : null;
}
