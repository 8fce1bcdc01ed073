import type pg from 'pg';
import type { Executor } from '../db/connect.ts';
import type { Log } from '../log.ts';
import { startBoss, stopBoss } from './boss.ts';

/** A claimed attempt, with all that is needed to run it. */
export interface Claim {
  id: string;
  queue: string;
  name: string;
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
}

export interface Claims {
  /** Claims up to `limit` tasks of a queue for its worker, in one transaction. */
  claim: (queue: string, limit: number) => Promise<Claim[]>;
  close(): Promise<void>;
}

/**
 * pg-boss hands out the jobs by its own statement. Ours go with it to Postgres in one message, which Postgres runs as
 * one transaction: who claims, the fetch, and the tasks that the journal says were claimed by it.
 */
export async function openClaims(pool: pg.Pool, workerId: string, log: Log): Promise<Claims> {
  const boss = await startBoss(pool, { migrate: false, log });
  const claimAs = `SELECT set_config('lovage.worker', '${workerId}', true), set_config('lovage.claimed', '{}', true), ${BY_INDEX}`;
  return {
    async claim(queue, limit) {
      let claims: Claim[] = [];
      const executeSql = async (fetch: string, values: unknown[] = []) => {
        if (values.length > 0)
          throw new Error('pg-boss fetches with parameters, which one message cannot carry');
        const answers = await pool.query(`${claimAs}; ${fetch}; ${READ_CLAIMED}`);
        const [, fetched, claimed] = answers as unknown as [
          unknown,
          pg.QueryResult<{ id: string }>,
          pg.QueryResult<Claim>,
        ];
        claims = inOrder(claimed.rows, fetched.rows);
        return fetched;
      };
      await boss.fetch(queue, { batchSize: limit, db: { executeSql } });
      return claims;
    },
    close: () => stopBoss(boss),
  };
}

// The index has the order of the fetch. On poor statistics Postgres would rather read and sort all that waits.
const BY_INDEX = ['sort', 'bitmapscan', 'seqscan']
  .map((way) => `set_config('enable_${way}', 'off', true)`)
  .join(', ');

const READ_CLAIMED = `
  SELECT t.id, t.queue, t.name, t.attempt, t.failures, t.max_attempts AS "maxAttempts", t.crashes,
         t.soft_limit_ms AS "softLimitMs", t.hard_limit_ms AS "hardLimitMs", t.result_ttl_ms::float8 AS "resultTtlMs", t.input, t.cancel_requested_at IS NOT NULL AS "cancelRequested"
  FROM lovage.task t WHERE t.id = ANY (current_setting('lovage.claimed')::uuid[]) AND t.state = 'running'`;

/** Highest priority first, as pg-boss picked them. */
function inOrder(claims: Claim[], fetched: readonly { id: string }[]): Claim[] {
  const order = new Map(fetched.map(({ id }, index) => [id, index]));
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
