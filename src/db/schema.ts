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
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { STORED_STATES } from '../wire.ts';

export const lovage = pgSchema('lovage');

const at = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });

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
  createdBy: text('created_by'),
  /** Of tasks whose caller names none. Null: as their definition says. */
  priority: integer('priority'),
  /** At most `rateLimit` requests in any `ratePeriodMs`, over all nodes. Null: no limit. */
  rateLimit: integer('rate_limit'),
  ratePeriodMs: integer('rate_period_ms'),
  lastUsedAt: at('last_used_at'),
  /** The key that took its place. */
  replacedBy: uuid('replaced_by'),
});

/** Who did what, from where: one row for every call that changes something. */
export const auditLog = lovage.table(
  'audit_log',
  {
    id: uuid('id').primaryKey(),
    at: at('at').notNull().defaultNow(),
    tenant: text('tenant').notNull(),
    /** Such as `key:ci`, `cli:ada` or `sql:ada`. */
    actor: text('actor').notNull(),
    /** The verb, such as `tasks.cancel`. */
    action: text('action').notNull(),
    /** What it was done to: an id or a name. */
    target: text('target'),
    /** `ok`, or the code of the error that the caller got. */
    outcome: text('outcome').notNull(),
    ip: text('ip'),
    requestId: text('request_id'),
    detail: jsonb('detail').notNull().default({}),
  },
  (t) => [index('audit_log_tenant').on(t.tenant, t.id)],
);

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

/** Tasks that were accepted together. */
export const batch = lovage.table(
  'batch',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    label: text('label'),
    size: integer('size').notNull(),
    /** The task that gets the results when all have ended, as `add_tasks` takes it. */
    followUp: jsonb('follow_up'),
    followUpId: uuid('follow_up_id'),
    /** `{url, secret}`: where to tell that it has ended; the secret is encrypted. */
    callback: jsonb('callback'),
    createdBy: text('created_by'),
    createdAt: at('created_at').notNull().defaultNow(),
    cancelRequestedAt: at('cancel_requested_at'),
    finishedAt: at('finished_at'),
  },
  (t) => [index('batch_tenant').on(t.tenant, t.id)],
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

/** When a task is started by itself. */
export const schedule = lovage.table(
  'schedule',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull().default('default'),
    name: text('name').notNull(),
    taskName: text('task_name').notNull(),
    input: jsonb('input'),
    /** Priority, tags and the like: what its tasks are enqueued with. */
    options: jsonb('options').notNull().default({}),
    kind: text('kind').notNull(),
    /** A cron expression, or the lines of an RFC 5545 recurrence. */
    expression: text('expression').notNull(),
    timeZone: text('time_zone').notNull().default('UTC'),
    /** What becomes of occurrences that nobody was there to run: `skip`, or `once` for all of them together. */
    missed: text('missed').notNull().default('skip'),
    source: text('source').notNull(),
    /** Null where nothing is left to come. */
    nextAt: at('next_at'),
    lastAt: at('last_at'),
    pausedAt: at('paused_at'),
    pausedBy: text('paused_by'),
    /** When a pause ended: what came due before is not run. */
    resumedAt: at('resumed_at'),
    createdBy: text('created_by'),
    createdAt: at('created_at').notNull().defaultNow(),
    updatedAt: at('updated_at').notNull().defaultNow(),
  },
  (t) => [uniqueIndex('schedule_name').on(t.tenant, t.name), index('schedule_next').on(t.nextAt)],
);

/** One row an occurrence: that there is but one, the key sees to. */
export const scheduleRun = lovage.table(
  'schedule_run',
  {
    scheduleId: uuid('schedule_id').notNull(),
    occurrence: at('occurrence').notNull(),
    taskId: uuid('task_id'),
    /** `due`, `made_up`, `by_hand`, or `skipped`, where nobody was there. */
    kind: text('kind').notNull(),
    at: at('at').notNull().defaultNow(),
    /** Why there is no task. */
    error: text('error'),
  },
  (t) => [primaryKey({ columns: [t.scheduleId, t.occurrence, t.kind] })],
);

/** Where a tenant wants to be told of the ends of its tasks. */
export const webhookEndpoint = lovage.table(
  'webhook_endpoint',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    url: text('url').notNull(),
    /** Only of tasks that this one made, such as `key:ci`. Null: of all. */
    actor: text('actor'),
    /** Such as `task.succeeded` or `batch.finished`. Empty: all. */
    events: text('events')
      .array()
      .notNull()
      .default(sql`'{}'`),
    secret: bytea('secret').notNull(),
    /** Signs as well until its time is over, so that receivers can change. */
    formerSecret: bytea('former_secret'),
    formerUntil: at('former_until'),
    disabledAt: at('disabled_at'),
    disabledReason: text('disabled_reason'),
    createdBy: text('created_by'),
    createdAt: at('created_at').notNull().defaultNow(),
  },
  (t) => [index('webhook_endpoint_tenant').on(t.tenant, t.id)],
);

/** A message to one URL. Its id is the webhook id, and that of the task that delivers it. */
export const webhookDelivery = lovage.table(
  'webhook_delivery',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    endpointId: uuid('endpoint_id'),
    url: text('url').notNull(),
    /** Of a callback; an endpoint has its own. */
    secret: bytea('secret'),
    event: text('event').notNull(),
    taskId: uuid('task_id'),
    batchId: uuid('batch_id'),
    payload: jsonb('payload').notNull(),
    createdAt: at('created_at').notNull().defaultNow(),
    deliveredAt: at('delivered_at'),
    lastStatus: integer('last_status'),
    lastError: text('last_error'),
    tries: integer('tries').notNull().default(0),
  },
  (t) => [
    index('webhook_delivery_tenant').on(t.tenant, t.id),
    index('webhook_delivery_task').on(t.taskId),
    index('webhook_delivery_endpoint').on(t.endpointId, t.id),
  ],
);

/** Where to tell of the end of one task: `{url, secret}`, the secret encrypted. */
export const taskCallback = lovage.table('task_callback', {
  taskId: uuid('task_id').primaryKey(),
  url: text('url').notNull(),
  secret: bytea('secret'),
});
