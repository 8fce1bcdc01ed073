import type { Lovage } from '../lovage.ts';
import { isFinal, type Caller, type TaskView } from '../wire.ts';
import { getTask, type Include } from './get.ts';

/**
 * The task once it is final, or as it stands when the time is over. A caller that goes away (`signal`) cancels
 * nothing and leaves nothing behind.
 */
export async function waitForTask(
  lovage: Pick<Lovage, 'db' | 'finals'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
  options: { timeoutMs: number; signal?: AbortSignal | undefined; include?: readonly Include[] | undefined },
): Promise<TaskView> {
  const deadline = performance.now() + options.timeoutMs;
  // Watch first, then read: a task that ends in between is not missed.
  let wake = Promise.withResolvers<void>();
  const unwatch = lovage.finals.watch(id, () => wake.resolve());
  const timer = setTimeout(() => wake.resolve(), options.timeoutMs);
  const onAbort = () => wake.resolve();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      const task = await getTask(lovage, caller, id, options.include);
      if (isFinal(task.state) || options.signal?.aborted || performance.now() >= deadline - 1) return task;
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
    unwatch();
  }
}
