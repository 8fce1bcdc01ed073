import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import { STORED_STATES } from '../wire.ts';

export const lovage = pgSchema('lovage');

const at = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/** `scheduled` is not stored: it is a queued task whose due time lies ahead. */
export const taskState = lovage.enum('task_state', STORED_STATES);

/**
 * One accepted request to run a definition. Written by the journal's triggers on pg-boss's job tables, in the
 * transaction of the queue change itself. No index names a column that a transition changes, so that
 * claims and settles stay HOT updates.
 */
export const task = lovage.table(
  'task',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull().default('default'),
    name: text('name').notNull(),
    queue: text('queue').notNull(),
    state: taskState('state').notNull().default('queued'),
    priority: integer('priority').notNull().default(0),
    /** The number of the last attempt that was claimed: the fence. 0 before the first. */
    attempt: integer('attempt').notNull().default(0),
    maxAttempts: integer('max_attempts').notNull().default(3),
    /** Attempts that count against maxAttempts: shutdowns and crashes raise `attempt` but not this. */
    failures: integer('failures').notNull().default(0),
    crashes: integer('crashes').notNull().default(0),
    resultTtlMs: bigint('result_ttl_ms', { mode: 'number' }).notNull().default(86_400_000),
    /** After so long an attempt is told to stop, and after so long it is stopped. Null: as its definition says. */
    softLimitMs: integer('soft_limit_ms'),
    hardLimitMs: integer('hard_limit_ms'),
    input: jsonb('input'),
    error: jsonb('error'),
    tags: text('tags')
      .array()
      .notNull()
      .default(sql`'{}'`),
    createdBy: text('created_by'),
    concurrencyKey: text('concurrency_key'),
    workerId: uuid('worker_id'),
    createdAt: at('created_at').notNull().defaultNow(),
    dueAt: at('due_at').notNull().defaultNow(),
    startedAt: at('started_at'),
    finishedAt: at('finished_at'),
    cancelRequestedAt: at('cancel_requested_at'),
    cancelRequestedBy: text('cancel_requested_by'),
    cancelReason: text('cancel_reason'),
    /** How a running one ended: `obeyed` its signal, `killed` past its grace, or `abandoned`, since nobody could end it. */
    cancelOutcome: text('cancel_outcome'),
    /** Since when its running attempt is past its grace or its hard limit and cannot be ended but with its worker. */
    overdueAt: at('overdue_at'),
    /** How many events the task has: the number of its last one. */
    events: integer('events').notNull().default(0),
  },
  (t) => [
    index('task_name_id').on(t.name, t.id),
    index('task_queue_id').on(t.queue, t.id),
    index('task_tags')
      .using('gin', t.tags)
      .where(sql`${t.tags} <> '{}'`),
  ],
);

/** What a task returned; it may go before its history does. */
export const taskResult = lovage.table('task_result', {
  taskId: uuid('task_id').primaryKey(),
  output: jsonb('output'),
  expiresAt: at('expires_at').notNull(),
});

/** Append-only history, numbered per task from 1 without a gap. */
export const taskEvent = lovage.table(
  'task_event',
  {
    taskId: uuid('task_id').notNull(),
    number: integer('number').notNull(),
    type: text('type').notNull(),
    attempt: integer('attempt').notNull(),
    at: at('at').notNull().defaultNow(),
    data: jsonb('data').notNull().default({}),
  },
  (t) => [primaryKey({ columns: [t.taskId, t.number] })],
);

/** Live progress: one narrow row a task, moved in place a few times a second. */
export const taskProgress = lovage.table('task_progress', {
  taskId: uuid('task_id').primaryKey(),
  attempt: integer('attempt').notNull(),
  current: bigint('current', { mode: 'number' }).notNull(),
  total: bigint('total', { mode: 'number' }),
  message: text('message'),
  updatedAt: at('updated_at').notNull().defaultNow(),
});

/** What the running code knows about a task's name, for SQL, forms and `explain`. */
export const definition = lovage.table('definition', {
  name: text('name').primaryKey(),
  queue: text('queue').notNull(),
  maxAttempts: integer('max_attempts').notNull(),
  priority: integer('priority').notNull(),
  resultTtlMs: bigint('result_ttl_ms', { mode: 'number' }).notNull(),
  softLimitMs: integer('soft_limit_ms').notNull().default(240_000),
  hardLimitMs: integer('hard_limit_ms').notNull().default(300_000),
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
});

/** Each start of the server that a worker has seen: a restart or a failover frees every lease, and is nobody's death. */
export const serverStart = lovage.table('server_start', {
  epoch: text('epoch').primaryKey(),
  seenAt: at('seen_at').notNull().defaultNow(),
});

/** Keys are stored as SHA-256 only; the prefix is what people recognise them by. */
export const apiKey = lovage.table('api_key', {
  id: uuid('id').primaryKey(),
  tenant: text('tenant').notNull().default('default'),
  name: text('name').notNull(),
  prefix: text('prefix').notNull(),
  hash: bytea('hash').notNull().unique(),
  scopes: text('scopes').array().notNull(),
  createdAt: at('created_at').notNull().defaultNow(),
  expiresAt: at('expires_at'),
  revokedAt: at('revoked_at'),
});
