import { z } from '@hono/zod-openapi';

/** The states that a task's row may hold. */
export const STORED_STATES = [
  'queued',
  'running',
  'waiting',
  'retrying',
  'succeeded',
  'failed',
  'cancelled',
  'expired',
] as const;
/** The states that callers see. `scheduled` is computed: a queued task that is not yet due. */
export const TASK_STATES = [...STORED_STATES, 'scheduled'] as const;
export type TaskState = (typeof TASK_STATES)[number];

const FINAL_STATES: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled', 'expired']);
export const isFinal = (state: string): boolean => FINAL_STATES.has(state);

/** The events that end an attempt: by its own worker, or `rescued` by another. */
export const ATTEMPT_ENDS = [
  'succeeded',
  'failed',
  'cancelled',
  'retrying',
  'crashed',
  'snoozed',
  'handed_back',
  'waiting',
  'rescued',
] as const;

const json = z.any().openapi({ description: 'Any JSON value' });
const time = z.iso.datetime();

export const taskError = z
  .looseObject({ code: z.string(), message: z.string() })
  .openapi('TaskError', { description: 'Why the last attempt failed' });

/** A task as every caller sees it, everywhere and never wrapped. */
export const taskSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    queue: z.string(),
    state: z.enum(TASK_STATES),
    priority: z.int(),
    attempt: z.int().min(0).openapi({ description: '0 before the first start' }),
    maxAttempts: z.int(),
    crashes: z.int().openapi({ description: 'Attempts whose process died; after three it is quarantined' }),
    softLimitMs: z
      .int()
      .nullable()
      .openapi({ description: 'After so long an attempt is told to stop; null: its definition says' }),
    hardLimitMs: z
      .int()
      .nullable()
      .openapi({ description: 'After so long an attempt is stopped; null: its definition says' }),
    concurrencyKey: z.string().nullable(),
    progress: z
      .object({ current: z.number(), total: z.number().nullable(), message: z.string().nullable() })
      .nullable(),
    input: json
      .optional()
      .openapi({ description: 'Left out of lists and of the 202 unless asked for with include=input' }),
    result: json.optional().openapi({ description: 'null until the task has succeeded' }),
    error: taskError.nullable(),
    tags: z.array(z.string()),
    batchId: z.uuid().nullable(),
    parentId: z.uuid().nullable().openapi({ description: 'The task whose handler made this one' }),
    parentStep: z.string().nullable(),
    createdBy: z.string().nullable(),
    createdAt: time,
    dueAt: time,
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    cancelRequestedAt: time.nullable(),
    cancelRequestedBy: z.string().nullable(),
    cancelReason: z.string().nullable(),
    cancelOutcome: z
      .enum(['obeyed', 'killed', 'abandoned'])
      .nullable()
      .openapi({ description: 'How the attempt that was cancelled ended; null where none ran' }),
    overdueAt: time.nullable().openapi({
      description: 'Since when its running attempt is past its grace or its hard limit',
    }),
    resultExpiresAt: time.nullable(),
    statusUrl: z.string(),
    eventsUrl: z.string(),
    replayed: z.literal(true).optional().openapi({
      description: 'Only in the answer to an enqueue: its idempotency key stands for this task since before',
    }),
    deduplicated: z.literal(true).optional().openapi({
      description: 'Only in the answer to an enqueue: nothing was enqueued, since this task does the same',
    }),
  })
  .openapi('Task');
export type TaskView = z.output<typeof taskSchema>;

export const eventSchema = z
  .object({
    number: z.int().min(1),
    type: z.string(),
    attempt: z.int().min(0),
    at: time,
    data: z.record(z.string(), json),
  })
  .openapi('TaskEvent', { description: 'One line of a task’s history, numbered from 1 without gaps' });
export type EventView = z.output<typeof eventSchema>;

export const attemptSchema = z
  .object({
    attempt: z.int().min(1),
    worker: z.string().nullable(),
    startedAt: time,
    endedAt: time.nullable(),
    outcome: z.string().nullable().openapi({ description: 'The event that ended it, null while it runs' }),
    error: taskError.nullable(),
  })
  .openapi('Attempt');
export type AttemptView = z.output<typeof attemptSchema>;

export interface Page<Item> {
  items: Item[];
  /** Hand it back as `cursor` for the next page; null on the last one. */
  nextCursor: string | null;
}

export type CancelOutcome = 'cancelled' | 'requested' | 'already_final';
export type RetryOutcome = 'queued' | 'not_final';

export const reasonSchema = z
  .object({
    reason: z.string().openapi({ description: 'One word, such as paused or behind' }),
    since: time.openapi({ description: 'Since when it holds, as well as that can be known' }),
    detail: z.string().openapi({ description: 'For people' }),
  })
  .openapi('Reason');
export const explanationSchema = z
  .object({
    id: z.uuid(),
    state: z.enum(TASK_STATES),
    reasons: z.array(reasonSchema).min(1).openapi({ description: 'The most decisive one first' }),
  })
  .openapi('Explanation');
export type ExplanationView = z.output<typeof explanationSchema>;

export const queueSchema = z
  .object({
    name: z.string(),
    paused: z.object({ at: time, by: z.string().nullable(), reason: z.string().nullable() }).nullable(),
    limits: z
      .object({
        concurrency: z.int().nullable(),
        perKey: z.int().nullable(),
        rate: z.object({ limit: z.int(), periodMs: z.int() }).nullable(),
      })
      .openapi({ description: 'Over all workers; null where there is none' }),
    limitsSetBy: z.string().nullable().openapi({
      description: 'Who set the limits by hand, which outlasts restarts; null: they are as configured',
    }),
    waiting: z.int().openapi({
      description:
        'Also those that are not yet due; counted up to 10,000, beyond that as Postgres estimates them',
    }),
    waitingIsMore: z
      .boolean()
      .openapi({ description: 'True where more wait than were counted: waiting is an estimate then' }),
    running: z.int().nullable().openapi({
      description: 'null where so many wait (some 100,000) that it would take long to tell them apart',
    }),
  })
  .openapi('Queue');
export type QueueView = z.output<typeof queueSchema>;
export type PauseOutcome = 'paused' | 'already_paused';
export type ResumeOutcome = 'resumed' | 'not_paused';

export const SCOPES = ['enqueue', 'read', 'cancel', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** The tenant of who says nothing else: the house's own. */
export const DEFAULT_TENANT = 'default';

/** At most `limit` requests in any `periodMs`. */
export interface RateLimit {
  limit: number;
  periodMs: number;
}

/** Who calls: an API key, the command line, or the process itself. */
export interface Caller {
  /** What history and `createdBy` show, such as `key:ci` or `cli:ada`. */
  actor: string;
  tenant: string;
  scopes: ReadonlySet<Scope>;
  /** Of tasks for which it names none. Default: as their definitions say. */
  priority?: number | undefined;
  /** The key it came with, and how many requests that may make. The root key and the command line have none. */
  key?: { id: string; rate: RateLimit | null } | undefined;
  /** Sees the keys and the audit log of every tenant: the root key and the command line. */
  isOperator?: boolean | undefined;
  /** Came with a stream ticket: opens streams and nothing else. */
  isTicket?: boolean | undefined;
  /** From where the call came, for the audit log and for its trace (W3C traceparent and, after a blank, tracestate). */
  origin?:
    | { ip?: string | undefined; requestId?: string | undefined; trace?: string | undefined }
    | undefined;
}
