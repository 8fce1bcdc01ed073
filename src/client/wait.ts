import type { TRPCClient } from '@trpc/client';
import type { AppRouter, Task } from '../api/trpc/types.ts';
import { LovageClientError, TaskFailedError, toClientError } from './errors.ts';

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

/** Polls until the task is final or the time is over. A server that restarts in between is waited for. */
export async function waitFor(
  trpc: TRPCClient<AppRouter>,
  id: string,
  options: WaitOptions = {},
): Promise<Task> {
  const { timeoutMs = Infinity, signal } = options;
  const deadline = performance.now() + timeoutMs;
  for (let failures = 0; ;) {
    const leftMs = Math.max(0, deadline - performance.now());
    try {
      const request = { id, timeoutMs: Math.ceil(Math.min(leftMs, POLL_MS)) };
      const task: Task = await trpc.tasks.wait.query(request, signal && { signal });
      failures = 0;
      if (FINAL.has(task.state) || performance.now() >= deadline) return task;
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

const isPassing = (error: unknown): boolean =>
  error instanceof LovageClientError && (error.code === 'unreachable' || error.code === 'queue-unavailable');
