import pg from 'pg';
import type { Executor } from '../db/connect.ts';
import type { Log } from '../log.ts';
import { startBoss, stopBoss } from './boss.ts';

/** A claimed attempt, with all that is needed to run it. */
export interface Claim {
  id: string;
  queue: string;
  name: string;
  tenant: string;
  attempt: number;
  /** Attempts that have failed before. */
  failures: number;
  maxAttempts: number;
  /** Attempts whose process died under them: after the first the task runs in a child process, alone. */
  crashes: number;
  resultTtlMs: number;
  /** Null: as the definition says. */
  softLimitMs: number | null;
  hardLimitMs: number | null;
  /** In its wire form: not yet parsed by the definition's schema. */
  input: unknown;
  cancelRequested: boolean;
  /** From when it was due until it was claimed, by the database's clock. */
  waitMs: number;
  /** Of the call that made the task. */
  trace: string | null;
  requestId: string | null;
}

/** What a claim got, and what kept it from more. */
export interface Claimed {
  tasks: Claim[];
  /** The queue's rate allows its next start after so long. */
  waitMs: number | null;
  /** The queue is paused, or a limit on what runs at a time is reached: more comes when that changes. */
  isHeld: boolean;
  /** The end of a task of this queue makes room for another, here or in any worker. */
  isLimited: boolean;
}

export const NOTHING: Claimed = { tasks: [], waitMs: null, isHeld: false, isLimited: false };

export interface Claims {
  /** Claims up to `limit` tasks of a queue for its worker, in one transaction. */
  claim: (queue: string, limit: number) => Promise<Claimed>;
  close(): Promise<void>;
}

/** Raised by lovage.begin_claim(): the queue has limits or is paused. */
const HELD_BACK = 'LV001';

/**
 * pg-boss hands out the jobs by its own statement, where nothing holds a queue back. Ours go with it to Postgres in one
 * message, which Postgres runs as one transaction: who claims, the fetch, and the tasks that the journal says were
 * claimed by it.
 */
export async function openClaims(pool: pg.Pool, workerId: string, log: Log): Promise<Claims> {
  const boss = await startBoss(pool, { migrate: false, log });
  /** Queues that had limits or were paused when they were last asked. */
  const heldBack = new Set<string>();

  async function claimFreely(queue: string, limit: number): Promise<Claimed> {
    let tasks: Claim[] = [];
    const executeSql = async (fetch: string, values: unknown[] = []) => {
      if (values.length > 0)
        throw new Error('pg-boss fetches with parameters, which one message cannot carry');
      const begin = `SELECT lovage.begin_claim('${queue}', '${workerId}')`;
      const answers = await pool.query(`${begin}; ${fetch}; ${READ_CLAIMED}`);
      const [, fetched, claimed] = answers as unknown as [
        unknown,
        pg.QueryResult<{ id: string }>,
        pg.QueryResult<Claim>,
      ];
      tasks = inOrder(
        claimed.rows,
        fetched.rows.map(({ id }) => id),
      );
      return fetched;
    };
    await boss.fetch(queue, { batchSize: limit, db: { executeSql } });
    return { ...NOTHING, tasks };
  }

  async function claimWithinLimits(queue: string, limit: number): Promise<Claimed> {
    const answers = await pool.query(
      `SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
       SELECT ids::text[], wait_ms AS "waitMs", is_held AS "isHeld", is_limited AS "isLimited", is_open AS "isOpen"
       FROM lovage.claim_within_limits('${queue}', '${workerId}', ${limit}); ${READ_CLAIMED}`,
    );
    const [, taken, claimed] = answers as unknown as [
      unknown,
      pg.QueryResult<Omit<Claimed, 'tasks'> & { ids: string[]; isOpen: boolean }>,
      pg.QueryResult<Claim>,
    ];
    const [row] = taken.rows;
    if (!row) throw new Error(`nothing was said about queue "${queue}"`);
    const { ids, waitMs, isHeld, isLimited, isOpen } = row;
    if (isOpen) heldBack.delete(queue);
    return { tasks: inOrder(claimed.rows, ids), waitMs, isHeld, isLimited };
  }

  return {
    async claim(queue, limit) {
      if (!heldBack.has(queue)) {
        try {
          return await claimFreely(queue, limit);
        } catch (error) {
          if (!(error instanceof pg.DatabaseError && error.code === HELD_BACK)) throw error;
          heldBack.add(queue);
        }
      }
      return claimWithinLimits(queue, limit);
    },
    close: () => stopBoss(boss),
  };
}

const READ_CLAIMED = `
  SELECT t.id, t.queue, t.name, t.tenant, t.attempt, t.failures, t.max_attempts AS "maxAttempts", t.crashes,
         t.soft_limit_ms AS "softLimitMs", t.hard_limit_ms AS "hardLimitMs", t.result_ttl_ms::float8 AS "resultTtlMs", t.input, t.cancel_requested_at IS NOT NULL AS "cancelRequested",
         (extract(epoch FROM clock_timestamp() - t.due_at) * 1000)::float8 AS "waitMs", t.trace, t.request_id AS "requestId"
  FROM lovage.task t WHERE t.id = ANY (current_setting('lovage.claimed')::uuid[]) AND t.state = 'running'`;

/** Highest priority first, as they were picked. */
function inOrder(claims: Claim[], ids: readonly string[]): Claim[] {
  const order = new Map(ids.map((id, index) => [id, index]));
  return claims.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
}

/** The running attempts of a queue that Postgres holds as this worker's. */
export async function heldAttempts(
  executor: Executor,
  queue: string,
  workerId: string,
): Promise<Pick<Claim, 'id' | 'attempt'>[]> {
  const { rows } = await executor.query<Pick<Claim, 'id' | 'attempt'>>(
    `SELECT t.id, t.attempt FROM pgboss.job j JOIN lovage.task t ON t.id = j.id
     WHERE j.name = $1 AND j.state = 'active' AND t.worker_id = $2`,
    [queue, workerId],
  );
  return rows;
}
