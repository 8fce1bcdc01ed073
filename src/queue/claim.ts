import type pg from 'pg';
import { inTransaction } from '../db/connect.ts';
import type { Log } from '../log.ts';
import { asBossDatabase, startBoss, stopBoss } from './boss.ts';

/** A claimed attempt, with all that is needed to run it. */
export interface Claim {
  id: string;
  queue: string;
  name: string;
  attempt: number;
  /** Attempts that have failed before. */
  failures: number;
  maxAttempts: number;
  resultTtlMs: number;
  /** In its wire form: not yet parsed by the definition's schema. */
  input: unknown;
  cancelRequested: boolean;
}

export interface Claims {
  /** Claims up to `limit` tasks of a queue for its worker, in one transaction. */
  claim: (queue: string, limit: number) => Promise<Claim[]>;
  close(): Promise<void>;
}

export async function openClaims(pool: pg.Pool, workerId: string, log: Log): Promise<Claims> {
  const boss = await startBoss(pool, { migrate: false, log });
  return {
    claim: (queue, limit) =>
      inTransaction(pool, async (tx) => {
        await tx.query({
          name: 'lovage_claim_as',
          text: "SELECT set_config('lovage.worker', $1, true)",
          values: [workerId],
        });
        const jobs = await boss.fetch(queue, { batchSize: limit, db: asBossDatabase(tx) });
        return jobs.length === 0
          ? []
          : readClaims(
              tx,
              jobs.map((job) => job.id),
            );
      }),
    close: () => stopBoss(boss),
  };
}

async function readClaims(tx: pg.ClientBase, ids: string[]): Promise<Claim[]> {
  const { rows } = await tx.query<Claim & { position: number }>({
    name: 'lovage_claimed',
    text: `SELECT t.id, t.queue, t.name, t.attempt, t.failures, t.max_attempts AS "maxAttempts",
                  t.result_ttl_ms::float8 AS "resultTtlMs", t.input, t.cancel_requested_at IS NOT NULL AS "cancelRequested"
           FROM lovage.task t WHERE t.id = ANY ($1)`,
    values: [ids],
  });
  const order = new Map(ids.map((id, index) => [id, index]));
  return rows.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
}
