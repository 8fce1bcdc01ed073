import { waitForTask } from '../tasks/wait.ts';
import type { TaskView } from '../wire.ts';
import type { RequestContext } from './context.ts';

export const MAX_WAIT_MS = 300_000;

/** Waits until the task is final, the time is over, the caller hangs up, or the server closes. */
export async function awaitTask(context: RequestContext, id: string, timeoutMs: number): Promise<TaskView> {
  const { lovage, caller, closing } = context;
  const stop = new AbortController();
  const abort = () => stop.abort();
  // Not AbortSignal.any: `closing` lives as long as the process and would gather followers.
  const sources = [context.signal, closing];
  for (const source of sources) source.addEventListener('abort', abort);
  if (sources.some(({ aborted }) => aborted)) abort();
  try {
    return await waitForTask(lovage, caller, id, { timeoutMs, signal: stop.signal });
  } finally {
    for (const source of sources) source.removeEventListener('abort', abort);
  }
}
