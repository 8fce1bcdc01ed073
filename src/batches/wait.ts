import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import type { BatchView } from '../wire/batches.ts';
import { getBatch } from './get.ts';

/** The batch once it is finished, or as it stands when the time is over. A caller that goes away cancels nothing. */
export async function waitForBatch(
  lovage: Pick<Lovage, 'pool' | 'finals'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
  options: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<BatchView> {
  const deadline = performance.now() + options.timeoutMs;
  // Watch first, then read: a batch that finishes in between is not missed.
  let wake = Promise.withResolvers<void>();
  const rouse = (): void => wake.resolve();
  const unwatch = lovage.finals.watch(id, rouse);
  const timer = setTimeout(rouse, options.timeoutMs);
  options.signal?.addEventListener('abort', rouse, { once: true });
  try {
    for (;;) {
      const batch = await getBatch(lovage, caller, id);
      if (batch.finishedAt !== null || options.signal?.aborted || performance.now() >= deadline - 1)
        return batch;
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', rouse);
    unwatch();
  }
}
