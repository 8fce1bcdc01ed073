import type pg from 'pg';
import type { Listener } from '../../db/listen.ts';
import { isPostgresAway } from '../../db/failures.ts';
import type { Log } from '../../log.ts';
import { AttemptLost, Cancelled } from '../../stop-reasons.ts';
import type { Attempt } from './attempt.ts';

const POLL_MS = 2_000;

/**
 * Brings cancel requests to running attempts: at once by notification, and by a poll that covers lost ones and
 * attempts that are no longer their task's own.
 */
export function watchForCancels(options: {
  running: ReadonlyMap<string, Attempt>;
  pool: pg.Pool;
  listener: Listener;
  log: Log;
}): () => void {
  const { running, pool, listener, log } = options;
  const onCancel = (taskId: string) => running.get(taskId)?.stop(new Cancelled('the task was cancelled'));

  const poll = async () => {
    if (running.size === 0) return;
    try {
      const { rows } = await pool.query<{ id: string; attempt: number; state: string; asked: boolean }>({
        name: 'lovage_cancels',
        text: `SELECT id, attempt, state, cancel_requested_at IS NOT NULL AS asked FROM lovage.task
               WHERE id = ANY ($1)`,
        values: [[...running.keys()]],
      });
      for (const { id, attempt, state, asked } of rows) {
        const mine = running.get(id);
        if (!mine) continue;
        const isOurs = attempt === mine.claim.attempt && state === 'running';
        if (isOurs && asked) onCancel(id);
        // An attempt whose settle has just been written looks the same; stopping it then changes nothing.
        if (!isOurs) mine.stop(new AttemptLost('the attempt is no longer its own'));
      }
    } catch (error) {
      if (!isPostgresAway(error)) log.error({ err: error }, 'could not look for cancel requests');
    }
  };
  listener.on('lovage_cancel', onCancel);
  const timer = setInterval(() => void poll(), POLL_MS);
  return () => {
    clearInterval(timer);
    listener.off('lovage_cancel', onCancel);
  };
}
