import { isMainThread, Worker, workerData } from 'node:worker_threads';

const EVERY_MS = 500;

/**
 * Ends this process when its parent is gone, also while a handler keeps its event loop busy: a thread of its own
 * looks, since a child that outlived a killed worker would run its task beside the next attempt.
 */
export function endWithParent(): void {
  new Worker(new URL(import.meta.url), { workerData: { parent: process.ppid } }).unref();
}

if (!isMainThread) {
  const { parent } = workerData as { parent: number };
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  }, EVERY_MS);
}
