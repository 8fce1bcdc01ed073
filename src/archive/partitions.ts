import type { Executor } from '../db/connect.ts';

const TRIES = 3;

/**
 * Makes the partitions that the archive lacks for now and the next three periods, each in a transaction of its own. One that
 * somebody blocks waits for the next time: until then its tasks stay in the hot table. Returns how many are blocked.
 */
export async function makePartitions(executor: Executor): Promise<number> {
  // What somebody attached or dropped by hand.
  await executor.query('SELECT lovage.learn_partitions()');
  const { rows } = await executor.query<{ at: string }>(
    'SELECT at::text FROM lovage.lacking_partitions() AS at',
  );
  return makePartitionsFor(
    executor,
    rows.map(({ at }) => at),
  );
}

/** The same for certain times. */
export async function makePartitionsFor(
  executor: Executor,
  times: readonly (string | Date)[],
): Promise<number> {
  for (const [made, time] of times.entries()) {
    let outcome = 'blocked';
    for (let left = TRIES; left > 0 && outcome === 'blocked'; left -= 1)
      outcome = await makeOne(executor, time);
    // One lock is in the way of all of them.
    if (outcome === 'blocked') return times.length - made;
  }
  return 0;
}

async function makeOne(executor: Executor, time: string | Date): Promise<string> {
  const { rows } = await executor.query<{ outcome: string }>(
    'SELECT lovage.make_archive_partition($1) AS outcome',
    [time],
  );
  return rows[0]?.outcome ?? 'blocked';
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
