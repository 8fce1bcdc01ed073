import type { Log } from '../log.ts';
import type { Attempt } from './attempt.ts';

/** Handlers that were told to stop get so long to return. */
const STOP_MS = 2_000;
const CLOSE_MS = 4_000;
const POLL_MS = 20;

/**
 * Ends a worker in order: stop claiming, let attempts finish, tell the rest to stop, hand back what does not. An attempt
 * that is handed back runs again elsewhere under the next number, at no cost to its retries.
 */
export function drainWorker(worker: {
  running: ReadonlyMap<string, Attempt>;
  stopClaiming(): Promise<void>;
  stopAttempts(): void;
  handBack(attempt: Attempt): Promise<void>;
  close(): Promise<void>;
  log: Log;
}): (graceMs: number) => Promise<{ handedBack: number }> {
  let draining: Promise<{ handedBack: number }> | undefined;

  async function drain(graceMs: number): Promise<{ handedBack: number }> {
    worker.log.info({ running: worker.running.size, graceMs }, 'draining');
    await worker.stopClaiming();
    await isEmpty(worker.running, graceMs);
    worker.stopAttempts();
    await isEmpty(worker.running, worker.running.size > 0 ? STOP_MS : 0);
    const left = [...worker.running.values()];
    await Promise.race([Promise.all(left.map((attempt) => worker.handBack(attempt))), after(STOP_MS)]);
    // A statement that waits for somebody's lock would keep its connection, and this process, open for as long.
    await Promise.race([worker.close(), after(CLOSE_MS)]);
    worker.log.info({ handedBack: left.length }, 'worker stopped');
    return { handedBack: left.length };
  }
  return (graceMs) => (draining ??= drain(graceMs));
}

async function isEmpty(running: ReadonlyMap<string, Attempt>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (running.size > 0 && performance.now() < deadline) await after(POLL_MS);
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
