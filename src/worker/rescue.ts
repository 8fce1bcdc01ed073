import type pg from 'pg';
import { isPostgresAway, retryConflicts } from '../db/failures.ts';
import type { Log } from '../log.ts';
import { HEARTBEAT_DEADLINE_MS } from './heartbeat.ts';

const EVERY_MS = 5_000;

interface Rescued {
  task_id: string;
  queue: string;
  worker_id: string;
}

/** Queues the tasks of dead workers again. */
export async function rescueTasks(pool: pg.Pool): Promise<Rescued[]> {
  const { rows } = await retryConflicts(() =>
    pool.query<Rescued>({
      name: 'lovage_rescue',
      text: "SELECT task_id, queue, worker_id FROM lovage.rescue($1 * interval '1 ms')",
      values: [HEARTBEAT_DEADLINE_MS],
    }),
  );
  return rows;
}

/** Looks for dead workers now and every few seconds. Returns the way to end it. */
export function watchForDeadWorkers(
  pool: pg.Pool,
  log: Log,
  onRescued: (queues: string[]) => void,
): () => void {
  let trustedFrom = 0;
  const look = async () => {
    if (performance.now() < trustedFrom) return;
    try {
      const rescued = await rescueTasks(pool);
      for (const { task_id, worker_id } of rescued)
        log.warn({ task: task_id, lostWorker: worker_id }, 'its worker died: queued again');
      if (rescued.length > 0) onRescued([...new Set(rescued.map(({ queue }) => queue))]);
    } catch (error) {
      // While Postgres was away nobody could say that he lives: everyone gets a whole deadline to do so.
      if (isPostgresAway(error)) trustedFrom = performance.now() + HEARTBEAT_DEADLINE_MS;
      else log.error({ err: error }, 'could not rescue the tasks of dead workers');
    }
  };
  void look();
  const timer = setInterval(() => void look(), EVERY_MS);
  return () => clearInterval(timer);
}
