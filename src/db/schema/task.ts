import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { STORED_STATES } from '../../wire.ts';
import { at, bytea, lovage, xid8 } from './columns.ts';

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
    batchId: uuid('batch_id'),
    /** The task whose handler made this one, and under which step: a rerun of that handler finds it again. */
    parentId: uuid('parent_id'),
    parentStep: text('parent_step'),
    /** Somebody is to be told by a webhook when it ends. */
    notifies: boolean('notifies').notNull().default(false),
    /** What its definition's `dedupe` says of its input: as long as it is not final, no other task may have the same. */
    dedupeKey: text('dedupe_key'),
    /** The trace of the call that made it: W3C traceparent and, after a blank, tracestate. */
    trace: text('trace'),
    /** The HTTP request that made it, as the log and the audit log know it. */
    requestId: text('request_id'),
  },
  (t) => [
    index('task_name_id').on(t.name, t.id),
    index('task_queue_id').on(t.queue, t.id),
    index('task_batch_id')
      .on(t.batchId, t.id)
      .where(sql`${t.batchId} IS NOT NULL`),
    uniqueIndex('task_parent_step')
      .on(t.parentId, t.parentStep)
      .where(sql`${t.parentId} IS NOT NULL`),
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
    /** The transaction that wrote it: what streams of many tasks are ordered by. Null in rows older than the column. */
    xid: xid8('xid').default(sql`pg_current_xact_id()`),
  },
  (t) => [
    primaryKey({ columns: [t.taskId, t.number] }),
    // What goes wrong is rare. History is only ever inserted, so that this spoils no HOT update.
    index('task_event_trouble')
      .on(t.at)
      .where(sql`${t.type} IN ('failed', 'crashed', 'rescued', 'overdue')`),
    index('task_event_ends')
      .on(t.taskId)
      .where(sql`${t.type} IN ('failed', 'cancelled', 'expired')`),
  ],
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

/** What a key of idempotency stands for: the first request under it, and what that made. */
export const idempotencyKey = lovage.table(
  'idempotency_key',
  {
    tenant: text('tenant').notNull(),
    /** Whose key it is: two callers may use the same one for different things. */
    actor: text('actor').notNull(),
    key: text('key').notNull(),
    /** SHA-256 of the request. */
    fingerprint: bytea('fingerprint').notNull(),
    taskId: uuid('task_id'),
    batchId: uuid('batch_id'),
    expiresAt: at('expires_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.actor, t.key] }),
    index('idempotency_key_expires').on(t.expiresAt),
  ],
);

/** Which task holds a definition's `dedupe` key. */
export const dedupeKey = lovage.table(
  'dedupe_key',
  {
    tenant: text('tenant').notNull(),
    name: text('name').notNull(),
    key: text('key').notNull(),
    taskId: uuid('task_id').notNull(),
    /** Until when, whatever becomes of the task. Null: as long as it is not final. */
    until: at('until'),
  },
  (t) => [primaryKey({ columns: [t.tenant, t.name, t.key] })],
);

/** Ends of tasks that belong to a batch or to a parent, until somebody has drawn the consequences. */
export const taskEnd = lovage.table('task_end', {
  id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
  taskId: uuid('task_id').notNull(),
  batchId: uuid('batch_id'),
  parentId: uuid('parent_id'),
});

/** What a waiting task waits for. */
export const taskWait = lovage.table('task_wait', {
  taskId: uuid('task_id').primaryKey(),
  children: uuid('children').array().notNull(),
  since: at('since').notNull().defaultNow(),
});
