import type { Log } from '../log.ts';
import type { Attempts } from './attempt/attempts.ts';

/** Handlers that were told to stop get so long to return. */
const STOP_MS = 2_000;
const CLOSE_MS = 2_000;
const CLAIM_MS = 2_000;
/** This process is gone by then, with what runs on in it. */
const GONE_MS = CLOSE_MS + 500;
const POLL_MS = 20;

/**
 * Ends a worker in order: stop claiming, let attempts finish, tell the rest to stop, hand back what does not. An attempt
 * that is handed back runs again elsewhere under the next number, at no cost to its retries.
 */
export function drainWorker(worker: {
  attempts: Attempts;
  stopClaiming: () => Promise<void>;
  close: () => Promise<void>;
  log: Log;
}): (graceMs: number) => Promise<{ handedBack: number }> {
  const { attempts, log } = worker;
  let draining: Promise<{ handedBack: number }> | undefined;

  async function drain(graceMs: number): Promise<{ handedBack: number }> {
    log.info({ running: attempts.running.size, graceMs }, 'draining');
    // A claim that Postgres does not answer is not waited for: what it took is rescued later.
    await Promise.race([worker.stopClaiming(), after(CLAIM_MS)]);
    await isEmpty(attempts.running, graceMs);
    attempts.stop();
    await isEmpty(attempts.running, attempts.running.size > 0 ? STOP_MS : 0);
    const handedBack = attempts.running.size;
    await Promise.race([attempts.handBack(GONE_MS), after(STOP_MS)]);
    // A statement that waits for somebody's lock would keep its connection, and this process, open for as long.
    await Promise.race([worker.close(), after(CLOSE_MS)]);
    log.info({ handedBack }, 'worker stopped');
    return { handedBack };
  }
  return (graceMs) => (draining ??= drain(graceMs));
}

async function isEmpty(running: ReadonlyMap<string, unknown>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (running.size > 0 && performance.now() < deadline) await after(POLL_MS);
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
