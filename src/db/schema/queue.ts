import { bigint, index, integer, jsonb, text } from 'drizzle-orm/pg-core';
import { at, lovage } from './columns.ts';

/** What the running code knows about a task's name, for SQL, forms and `explain`. */
export const definition = lovage.table('definition', {
  name: text('name').primaryKey(),
  queue: text('queue').notNull(),
  maxAttempts: integer('max_attempts').notNull(),
  priority: integer('priority').notNull(),
  resultTtlMs: bigint('result_ttl_ms', { mode: 'number' }).notNull(),
  softLimitMs: integer('soft_limit_ms').notNull().default(240_000),
  hardLimitMs: integer('hard_limit_ms').notNull().default(300_000),
  /** How long after its end a task stays in the hot table, and how long then in the archive. Null: as its queue says. */
  archiveAfterMs: bigint('archive_after_ms', { mode: 'number' }),
  retentionMs: bigint('retention_ms', { mode: 'number' }),
  policy: jsonb('policy').notNull(),
  inputSchema: jsonb('input_schema').notNull(),
  outputSchema: jsonb('output_schema').notNull(),
  /** Hash of all the above: changes when the definition does. */
  version: text('version').notNull(),
  updatedAt: at('updated_at').notNull().defaultNow(),
});

/**
 * A declared queue, the pg-boss partition that holds its jobs, and what holds its tasks back. A claim on a queue with
 * limits keeps this row locked while it counts and takes.
 */
export const queueControl = lovage.table('queue_control', {
  queue: text('queue').primaryKey(),
  jobTable: text('job_table').notNull(),
  createdAt: at('created_at').notNull().defaultNow(),
  /** At most so many running at a time, over all workers. Null: no limit. */
  maxRunning: integer('max_running'),
  /** At most so many running at a time with the same concurrency key. */
  maxPerKey: integer('max_per_key'),
  /** At most `rateLimit` starts in any `ratePeriodMs`. */
  rateLimit: integer('rate_limit'),
  ratePeriodMs: integer('rate_period_ms'),
  pausedAt: at('paused_at'),
  pausedBy: text('paused_by'),
  pauseReason: text('pause_reason'),
  /** For tasks whose definition says nothing, or is not known. Null: a day, and 90 days. */
  archiveAfterMs: bigint('archive_after_ms', { mode: 'number' }),
  retentionMs: bigint('retention_ms', { mode: 'number' }),
  /** Since when its limits are those that somebody set by hand, and not the configuration's. */
  limitedAt: at('limited_at'),
  limitedBy: text('limited_by'),
});

/** When the attempts of a queue with a rate limit started, as far back as its period goes. */
export const queueStart = lovage.table(
  'queue_start',
  {
    queue: text('queue').notNull(),
    at: at('at').notNull(),
    started: integer('started').notNull(),
  },
  (t) => [index('queue_start_at').on(t.queue, t.at)],
);
