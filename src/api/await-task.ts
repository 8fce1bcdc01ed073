import { waitForBatch } from '../batches/wait.ts';
import { waitForTask } from '../tasks/wait.ts';
import type { TaskView } from '../wire.ts';
import type { BatchView } from '../wire/batches.ts';
import type { RequestContext } from './context.ts';

export const MAX_WAIT_MS = 300_000;

/** Waits until the task is final, the time is over, the caller hangs up, or the server closes. */
export const awaitTask = (context: RequestContext, id: string, timeoutMs: number): Promise<TaskView> =>
  untilGivenUp(context, (signal) => waitForTask(context.lovage, context.caller, id, { timeoutMs, signal }));

/** The same, until the batch is finished. */
export const awaitBatch = (context: RequestContext, id: string, timeoutMs: number): Promise<BatchView> =>
  untilGivenUp(context, (signal) => waitForBatch(context.lovage, context.caller, id, { timeoutMs, signal }));

async function untilGivenUp<Answer>(
  context: RequestContext,
  wait: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const { closing } = context;
  const stop = new AbortController();
  const abort = () => stop.abort();
  // Not AbortSignal.any: `closing` lives as long as the process and would gather followers.
  const sources = [context.signal, closing];
  for (const source of sources) source.addEventListener('abort', abort);
  if (sources.some(({ aborted }) => aborted)) abort();
  try {
    return await wait(stop.signal);
  } finally {
    for (const source of sources) source.removeEventListener('abort', abort);
  }
}
