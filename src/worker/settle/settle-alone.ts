import type pg from 'pg';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { isRetryable } from '../../db/failures.ts';
import { settleAttempts, wasSettled, type Settlement } from '../../queue/settle.ts';
import { HardTimeLimitExceeded } from '../../stop-reasons.ts';
import { MAX_LIMIT_MS } from '../../task.ts';
import type { SettleAlone } from '../attempt/attempt.ts';
import type { Judged } from '../attempt/call-handler.ts';

type Write = (tx: NodePgDatabase) => Promise<unknown>;

/** So much later than the writes' own end a statement of theirs is broken off. */
const STATEMENT_MORE_MS = 1_000;

/** A handler's own writes threw: nothing of them is kept, nor the success. The cause is what they threw. */
export class WriteFailed extends Error {
  override readonly name = 'WriteFailed';
}

/** What a handler asks to have written with its success, in the order in which it asks. */
export class HandlerWrites {
  readonly #writes: Write[] = [];
  readonly #judged: Judged;

  constructor(judged: Judged) {
    this.#judged = judged;
  }

  readonly add = (write: Write): void => void this.#writes.push(write);

  /** Undefined where there is nothing to write: such a success is recorded together with others. */
  settling(pool: pg.Pool, queue: string): SettleAlone | undefined {
    if (this.#writes.length === 0) return undefined;
    return (settlement, { workerId, limitMs }) =>
      settleAlone(pool, { queue, workerId, limitMs, settlement, writes: this.#writes, judged: this.#judged });
  }
}

interface Success {
  queue: string;
  workerId: string;
  limitMs: number;
  settlement: Settlement;
  writes: readonly Write[];
  judged: Judged;
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
    if (settled?.state === 'succeeded') await runWrites(client, success);
    await client.query('COMMIT');
    isWhole = true;
    return settled?.state ?? (await wasSettled(pool, [success.settlement]))[0]?.state ?? null;
  } finally {
    // A connection that failed half-way is given up together with its transaction.
    client.release(!isWhole);
  }
}

async function runWrites(client: pg.PoolClient, { writes, limitMs, judged }: Success): Promise<void> {
  // Until they end they hold the task's job, and nobody can cancel it. Postgres notices no broken connection in mid-statement.
  await client.query(`SET LOCAL statement_timeout = ${Math.min(MAX_LIMIT_MS, limitMs + STATEMENT_MORE_MS)}`);
  const tx = drizzle(client);
  try {
    await within(limitMs, async () => {
      for (const write of writes) await write(tx);
    });
  } catch (error) {
    // Throws by itself where it was the connection that failed: then the transaction is run again.
    const isLate = error instanceof HardTimeLimitExceeded;
    if (!isLate) await client.query('ROLLBACK');
    if (isRetryable(error)) throw error;
    throw new WriteFailed('the writes of its onSettle failed', { cause: isLate ? error : judged(error) });
  }
}

async function within(limitMs: number, work: () => Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const message = `the writes of its onSettle have run for its hard limit of ${limitMs} ms`;
  const timer = setTimeout(() => reject(new HardTimeLimitExceeded(message)), limitMs);
  try {
    await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
