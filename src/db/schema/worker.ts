import { sql } from 'drizzle-orm';
import { bigint, boolean, integer, smallint, text, uuid } from 'drizzle-orm/pg-core';
import { at, lovage } from './columns.ts';

/** A process that claims and runs tasks; its id is made anew at every boot. */
export const worker = lovage.table('worker', {
  id: uuid('id').primaryKey(),
  host: text('host').notNull(),
  pid: integer('pid').notNull(),
  queues: text('queues').array().notNull(),
  slots: smallint('slots').notNull(),
  version: text('version').notNull(),
  startedAt: at('started_at').notNull().defaultNow(),
  heartbeatAt: at('heartbeat_at').notNull().defaultNow(),
  draining: boolean('draining').notNull().default(false),
  /** Set by the worker itself when it ends in order. */
  stoppedAt: at('stopped_at'),
  /** Set by whoever rescued its tasks after it was gone. */
  lostAt: at('lost_at'),
  /** The names of the definitions it knows. */
  tasks: text('tasks')
    .array()
    .notNull()
    .default(sql`'{}'`),
  rssBytes: bigint('rss_bytes', { mode: 'number' }),
  /** The session advisory lock that it holds as long as its process lives. Null: it has but a heartbeat. */
  leaseKey: bigint('lease_key', { mode: 'bigint' }),
  /** The server on which it holds it, as `lovage.server_start` knows it. */
  leaseEpoch: text('lease_epoch'),
  /** Since when others see that its lease is free. */
  suspectAt: at('suspect_at'),
  /** Somebody asked for its end, as SIGTERM does. */
  drainRequestedAt: at('drain_requested_at'),
  drainRequestedBy: text('drain_requested_by'),
});

/** Each start of the server that a worker has seen: a restart or a failover frees every lease, and is nobody's death. */
export const serverStart = lovage.table('server_start', {
  epoch: text('epoch').primaryKey(),
  seenAt: at('seen_at').notNull().defaultNow(),
});
