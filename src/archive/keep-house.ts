import type { Lovage } from '../lovage.ts';
import { archiveTasks, sweepResults, type Moved, type Steps } from './move.ts';
import { dropExpiredPartitions, makePartitions } from './partitions.ts';
import { sweepRest, type Ages, type Swept } from './sweep.ts';
import { analyzeParents, watchVacuum } from './vacuum.ts';

export interface Kept extends Swept {
  archived: number;
  results: number;
  /** Partitions of the archive, all of whose tasks had expired. */
  dropped: string[];
  /** Until when nothing is dropped, since the database's clock has leapt. */
  heldUntil: string | null;
  /** False where it was told to stop: the next run goes on. */
  isOver: boolean;
}

/**
 * One round of all that keeps the tables small: tasks into the archive, what has expired out of it, and whatever else is past its
 * time. All by the database's clock. Any number may run at once, and each may be killed anywhere.
 */
export async function keepHouse(
  { pool, url, log }: Pick<Lovage, 'pool' | 'url' | 'log'>,
  ages: Ages = {},
  steps: Steps = {},
): Promise<Kept> {
  const blocked = await makePartitions(pool, log);
  if (blocked > 0) log.warn({ blocked }, 'partitions of the archive could not be made; trying again');
  const moved: Moved = await archiveTasks(pool, steps);
  if (moved.held > 0)
    log.warn({ steps: moved.held }, 'tasks stay in the hot table until the archive has a partition for them');
  const results = await sweepResults(pool, steps);
  const { dropped, blocked: stuck, heldUntil } = await dropExpiredPartitions(pool);
  if (stuck !== null)
    log.warn({ partition: stuck }, 'an expired partition could not be dropped; trying again');
  if (heldUntil !== null)
    log.warn(
      { until: heldUntil },
      'the clock has leapt, or nobody kept house: nothing is dropped until then',
    );
  const swept = await sweepRest(pool, ages, steps);
  await watchVacuum(pool, log);
  await analyzeParents(pool, url);
  const isOver = moved.isOver && steps.signal?.aborted !== true;
  const kept = {
    archived: moved.moved,
    results,
    dropped,
    heldUntil: heldUntil?.toISOString() ?? null,
    ...swept,
    isOver,
  };
  await pool.query("SELECT lovage.note_upkeep('house', $1)", [JSON.stringify(kept)]);
  return kept;
}
