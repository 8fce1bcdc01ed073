import type pg from 'pg';
import { isPostgresAway } from '../../db/failures.ts';
import type { Listener } from '../../db/listen.ts';
import type { Log } from '../../log.ts';
import { followUp } from '../../queue/follow-up.ts';

/** However many notifications get lost, a parent or a batch waits no longer than this. */
const POLL_MS = 5_000;

/**
 * Wakes parents whose children have ended, finishes batches, and cancels the children of the cancelled: at once by
 * notification, and by a poll that covers lost ones. Any number of workers share the work. Returns the way to stop it.
 */
export function followEnds(options: { pool: pg.Pool; listener: Listener; log: Log }): () => Promise<void> {
  const { pool, listener, log } = options;
  let working: Promise<void> | undefined;
  let isAskedAgain = false;
  const stopping = new AbortController();

  async function work(): Promise<void> {
    do {
      isAskedAgain = false;
      await drain();
    } while (isAskedAgain && !stopping.signal.aborted);
    working = undefined;
  }

  async function drain(): Promise<void> {
    try {
      for (let done = 1; done > 0 && !stopping.signal.aborted;) {
        const followed = await followUp(pool);
        done = followed.done;
        for (const { batch, message } of followed.refused)
          log.error({ batch, reason: message }, 'a batch could not be finished; trying again later');
      }
    } catch (error) {
      const level = isPostgresAway(error) ? 'debug' : 'error';
      log[level]({ err: error }, 'ends of tasks could not be followed up; trying again');
    }
  }

  const look = (): void => {
    if (stopping.signal.aborted) return;
    isAskedAgain = true;
    working ??= work();
  };
  listener.on('lovage_follow', look);
  listener.on('connected', look);
  const timer = setInterval(look, POLL_MS);
  look();
  return async () => {
    stopping.abort();
    clearInterval(timer);
    listener.off('lovage_follow', look);
    listener.off('connected', look);
    await working;
  };
}
