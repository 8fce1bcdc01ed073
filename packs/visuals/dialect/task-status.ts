import type { Rendered } from 'lovage';
import { signLinks } from './links.ts';

const TEXTS: Record<string, string> = {
  PENDING: 'Waiting for a worker',
  PROCESSING: 'Processing',
  RETRY: 'Waiting for another attempt',
  SUCCESS: 'Completed',
  FAILURE: 'Failed',
  REVOKED: 'Cancelled',
};

/** What its tasks returned in the old system: their output below `result`. Its fields are beside it as well, for who reads them flat. */
export function wrapResult(view: Rendered) {
  const result = signLinks(view, view.task.result) as Record<string, unknown>;
  return { ...result, status: 'completed', result, progress: 100 };
}

/** How a task fares, as status route and WebSocket tell it; files are links, never bytes. */
export function renderStatus(view: Rendered) {
  const { task, state } = view;
  const isReady = task.finishedAt !== null;
  const isSuccess = state === 'SUCCESS';
  const percent = task.progress?.current ?? 0;
  const isProcessing = state === 'PROCESSING';
  const status = (isProcessing && task.progress?.message) || (TEXTS[state] ?? state);
  const progress = isSuccess ? 100 : isProcessing || state === 'RETRY' ? percent : 0;
  return {
    task_id: task.id,
    state,
    ready: isReady,
    successful: isReady ? isSuccess : null,
    status,
    progress,
    ...(isProcessing && { meta: { status, progress } }),
    ...(isSuccess && { result: wrapResult(view) }),
    ...(state === 'FAILURE' && { error: task.error?.message ?? 'The task failed' }),
  };
}
