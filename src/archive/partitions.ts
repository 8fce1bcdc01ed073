import type { Executor } from '../db/connect.ts';
import type { Log } from '../log.ts';

const TRIES = 3;

/**
 * Makes the partitions that the archive lacks for now and the next three periods, each in a transaction of its own. One that
 * somebody blocks waits for the next time: until then its tasks stay in the hot table. Returns how many there are still to make.
 */
export async function makePartitions(executor: Executor, log?: Log): Promise<number> {
  // What somebody attached or dropped by hand.
  await executor.query('SELECT lovage.learn_partitions()');
  const { rows } = await executor.query<{ at: string }>(
    'SELECT at::text FROM lovage.lacking_partitions() AS at',
  );
  return makePartitionsFor(
    executor,
    rows.map(({ at }) => at),
    log,
  );
}

/** The same for certain times. */
export async function makePartitionsFor(
  executor: Executor,
  times: readonly (string | Date)[],
  log?: Log,
): Promise<number> {
  let refused = 0;
  for (const [done, time] of times.entries()) {
    let made = await makeOne(executor, time);
    for (let left = TRIES; left > 1 && made.outcome === 'blocked'; left -= 1)
      made = await makeOne(executor, time);
    // One lock is in the way of all of them.
    if (made.outcome === 'blocked') return refused + times.length - done;
    if (made.outcome !== 'refused') continue;
    refused += 1;
    log?.warn({ fault: made.fault }, 'what somebody attached to the archive is in the way of a partition');
  }
  return refused;
}

interface Made {
  outcome: 'made' | 'exists' | 'blocked' | 'refused';
  /** What is in the way of one that is refused. */
  fault: string | null;
}

async function makeOne(executor: Executor, time: string | Date): Promise<Made> {
  const { rows } = await executor.query<Made>(
    'SELECT outcome, fault FROM lovage.make_archive_partition($1)',
    [time],
  );
  return rows[0] ?? { outcome: 'blocked', fault: null };
}

export interface Dropped {
  dropped: string[];
  /** Its lock was not to be had: the next run tries again. */
  blocked: string | null;
  /** The database's clock has leapt: nothing that expired by that is dropped before then. */
  heldUntil: Date | null;
}

/** Drops partitions all of whose tasks have expired, one at a time. */
export async function dropExpiredPartitions(executor: Executor): Promise<Dropped> {
  const dropped: string[] = [];
  for (;;) {
    const { rows } = await executor.query<{
      name: string | null;
      outcome: string | null;
      heldUntil: Date | null;
    }>('SELECT name, outcome, held_until AS "heldUntil" FROM lovage.drop_expired_partition()');
    const { name = null, outcome = null, heldUntil = null } = rows[0] ?? {};
    if (name === null || outcome !== 'dropped') return { dropped, blocked: name, heldUntil };
    dropped.push(name);
  }
}
