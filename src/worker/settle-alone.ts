import type pg from 'pg';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { isRetryable } from '../db/failures.ts';
import { settleAttempts, wasSettled, type Settlement } from '../queue/settle.ts';
import type { SettleAlone } from './attempt.ts';

type Write = (tx: NodePgDatabase) => Promise<unknown>;

/** A handler's own writes threw: nothing of them is kept, nor the success. The cause is what they threw. */
export class WriteFailed extends Error {
  override readonly name = 'WriteFailed';
}

/** What a handler asks to have written with its success, in the order in which it asks. */
export class HandlerWrites {
  readonly #writes: Write[] = [];

  readonly add = (write: Write): void => void this.#writes.push(write);

  /** Undefined where there is nothing to write: such a success is recorded together with others. */
  settling(pool: pg.Pool, queue: string): SettleAlone | undefined {
    if (this.#writes.length === 0) return undefined;
    return (settlement, workerId) => settleAlone(pool, { queue, workerId, settlement, writes: this.#writes });
  }
}

interface Success {
  queue: string;
  workerId: string;
  settlement: Settlement;
  writes: readonly Write[];
}

/**
 * The fence comes first: an attempt that is no longer the task's own, or whose task was cancelled meanwhile, writes
 * nothing. A COMMIT that went unanswered is found out about when it is tried again.
 */
async function settleAlone(pool: pg.Pool, success: Success): Promise<string | null> {
  const client = await pool.connect();
  let isWhole = false;
  try {
    await client.query('BEGIN');
    const [settled] = await settleAttempts(client, success.queue, success.workerId, [success.settlement]);
    if (settled?.state === 'succeeded') await runWrites(client, success.writes);
    await client.query('COMMIT');
    isWhole = true;
    return settled?.state ?? (await wasSettled(pool, [success.settlement]))[0]?.state ?? null;
  } finally {
    // A connection that failed half-way is given up together with its transaction.
    client.release(!isWhole);
  }
}

async function runWrites(client: pg.PoolClient, writes: readonly Write[]): Promise<void> {
  try {
    const tx = drizzle(client);
    for (const write of writes) await write(tx);
  } catch (error) {
    // Throws by itself where it was the connection that failed: then the transaction is run again.
    await client.query('ROLLBACK');
    if (isRetryable(error)) throw error;
    throw new WriteFailed('the writes of its onSettle failed', { cause: error });
  }
}
