import type pg from 'pg';
import type { Log } from '../log.ts';
import { sweepKeyBatch, type SweepPlace } from '../queue/sweep-keys.ts';

const EVERY_MS = 60_000;
const BATCH = 1_000;
/** What is left after so many waits for the next time. */
const MAX_BATCHES = 50;

/** Removes keys whose time is over, now and then, a little at a time. Any number of workers may. Returns the way to end it. */
export function sweepKeys(pool: pg.Pool, log: Log): () => void {
  let place: SweepPlace = null;
  const over = new AbortController();

  async function sweep(): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES && !over.signal.aborted; batch += 1) {
      const { swept, next } = await sweepKeyBatch(pool, place, BATCH);
      place = next;
      if (next === null && swept < BATCH) return;
    }
  }
  // Workers that were started together do not all come at once.
  const timer = setInterval(
    () => void sweep().catch((error: unknown) => log.debug({ err: error }, 'old keys could not be removed')),
    EVERY_MS * (0.75 + Math.random() / 2),
  ).unref();
  return () => {
    over.abort();
    clearInterval(timer);
  };
}
