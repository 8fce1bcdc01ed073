import type { TRPCClient } from '@trpc/client';
import type { AppRouter, Task } from '../api/trpc/types.ts';
import type { BatchView } from '../wire/batches.ts';
import { isPassing, LovageClientError, TaskFailedError, toClientError } from './errors.ts';

export interface WaitOptions {
  /** Default: for as long as it takes. */
  timeoutMs?: number;
  /** Stops waiting; the task goes on. */
  signal?: AbortSignal;
}

const FINAL: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled', 'expired']);
/** Below the minute after which proxies tend to cut a silent connection. */
const POLL_MS = 25_000;
const MAX_FAILURES = 10;
const RETRY_MS = 500;

/** The task once it is final, or as it stands when the time is over. */
export const waitFor = (trpc: TRPCClient<AppRouter>, id: string, options: WaitOptions = {}): Promise<Task> =>
  poll(
    (timeoutMs) => trpc.tasks.wait.query({ id, timeoutMs }, options.signal && { signal: options.signal }),
    ({ state }) => FINAL.has(state),
    options,
  );

/** The batch once all its tasks are final, or as it stands when the time is over. */
export const waitForBatch = (
  trpc: TRPCClient<AppRouter>,
  id: string,
  options: WaitOptions = {},
): Promise<BatchView> =>
  poll(
    (timeoutMs) => trpc.batches.wait.query({ id, timeoutMs }, options.signal && { signal: options.signal }),
    ({ finishedAt }) => finishedAt !== null,
    options,
  );

/** Asks until it is over or the time is. A server that restarts in between is waited for. */
async function poll<Value>(
  ask: (timeoutMs: number) => Promise<Value>,
  isOver: (value: Value) => boolean,
  { timeoutMs = Infinity, signal }: WaitOptions,
): Promise<Value> {
  const deadline = performance.now() + timeoutMs;
  for (let failures = 0; ;) {
    const leftMs = Math.max(0, deadline - performance.now());
    try {
      const value = await ask(Math.ceil(Math.min(leftMs, POLL_MS)));
      failures = 0;
      if (isOver(value) || performance.now() >= deadline) return value;
    } catch (error) {
      signal?.throwIfAborted();
      failures += 1;
      if (failures > MAX_FAILURES || !isPassing(toClientError(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * failures));
    }
  }
}

/** The result of a task, once it has one. */
export async function resultOf(
  trpc: TRPCClient<AppRouter>,
  id: string,
  options?: WaitOptions,
): Promise<unknown> {
  const task = await waitFor(trpc, id, options);
  if (task.state === 'succeeded') return task.result;
  if (FINAL.has(task.state)) throw new TaskFailedError(task);
  throw new LovageClientError(`task ${id} is still ${task.state}`, { code: 'timed-out' });
}
