import pg from 'pg';
import { isPostgresAway } from '../db/failures.ts';
import { LovageError } from '../errors.ts';
import { findUnstorable } from '../json/unstorable.ts';
import type { Lovage } from '../lovage.ts';
import type { NewTask } from '../queue/send.ts';

/** Where Postgres refused a task for its input or for its queue, its caller learns why; any other error as it is. */
export async function explainRefusal(
  lovage: Pick<Lovage, 'pool'>,
  error: unknown,
  { name, queue, input }: Pick<NewTask, 'name' | 'queue' | 'input'>,
): Promise<unknown> {
  const faults = findUnstorable(input, { text: true, depth: true });
  if (faults.length > 0) {
    return new LovageError('validation', `the input of "${name}" cannot be stored`, { faults, cause: error });
  }
  const isRefused = error instanceof pg.DatabaseError && !isPostgresAway(error);
  if (!isRefused || (await isQueueThere(lovage.pool, queue))) return error;
  return new LovageError(
    'queue-unavailable',
    `queue "${queue}" was dropped from the database; "lovage migrate", "lovage doctor --repair" or the next start brings it back`,
    { retryAfter: 60, cause: error },
  );
}

async function isQueueThere(pool: pg.Pool, queue: string): Promise<boolean> {
  const { rows } = await pool.query(
    'SELECT FROM lovage.live_queues() l JOIN pgboss.queue b ON b.name = l.queue WHERE l.queue = $1',
    [queue],
  );
  return rows.length > 0;
}
