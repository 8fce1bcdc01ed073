import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import type { AuditWriter } from './audit/writer.ts';
import type { Config } from './config.ts';
import type { Listener } from './db/listen.ts';
import type { Egress } from './egress/egress.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Notifier } from './queue/notify.ts';
import type { Sender } from './queue/sender.ts';
import type { EventWatch } from './queue/event-watch.ts';
import type { FinalWatch } from './queue/final-watch.ts';
import type { Secret } from './secret.ts';

/** What the verbs stand on: one connection to Postgres and the definitions of one configuration. */
export interface Lovage {
  config: Config;
  url: string;
  pool: pg.Pool;
  db: NodePgDatabase;
  /** Tells workers and waiters, after the commit, what changed. */
  notifier: Notifier;
  /** Accepts tasks, those that come together in one commit. */
  sender: Sender;
  /** Writes down who did what. */
  audit: AuditWriter;
  /** The process's one LISTEN connection, shared by all who wait. */
  listener: Listener;
  finals: FinalWatch;
  events: EventWatch;
  secret: Secret;
  /** How long an idempotency key is remembered. */
  idempotencyTtlMs: number;
  /** How addresses that callers chose are called. */
  egress: Egress;
  /** What this process counts. */
  metrics: Metrics;
  log: Log;
  close(): Promise<void>;
}
