import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { z } from 'zod';
import { SetupError } from './errors.ts';
import type { Json } from './json/json.ts';
import { defaultTimes } from './task-defaults.ts';

export interface Progress {
  current: number;
  total?: number | null;
  message?: string | null;
}

/** What a handler gets beside its input. */
export interface RunContext<Input> {
  /** The input as its schema parsed it: defaults filled in, transforms applied. */
  input: Input;
  /** The task's id, the same in every attempt: the natural idempotency key for the outside world. */
  id: string;
  /** Whose task it is: the rows of others are none of its business. */
  tenant: string;
  /** Numbered from 1, never reused. */
  attempt: number;
  /** W3C trace context of this attempt, to send on with calls of its own; undefined where its task belongs to no trace. */
  traceparent?: string | undefined;
  /** Goes with `traceparent`, where the caller sent one. */
  tracestate?: string | undefined;
  /**
   * Aborted when the handler should stop. Its `reason` says why: `Cancelled`, `SoftTimeLimitExceeded`, `HardTimeLimitExceeded`,
   * `ShuttingDown` or `AttemptLost`.
   */
  signal: AbortSignal;
  /** Shows live at once; each distinct `current` (up to 100 an attempt) also stays in the history. */
  progress: (progress: Progress) => void;
  /** A line of the task's history. */
  log: (message: string, data?: Record<string, unknown>) => void;
  /** The database Lovage runs on, for the task's own tables. */
  db: NodePgDatabase;
  /** Encrypts what those tables should not hold in the clear. */
  vault: Vault;
  /**
   * Writes that commit with the task's success or not at all, such as `onSettle((tx) => tx.insert(invoice).values(row))`. Called after the
   * handler has returned, in order; called again if Postgres went away before the commit. What they throw fails the attempt.
   */
  onSettle: (write: (tx: NodePgDatabase) => Promise<unknown>) => void;
  /**
   * Starts a child task; it is committed when this resolves. A child is known by its `step`: a rerun, after a crash or after
   * `waitFor`, finds the one already made. Tenant, author and priority are the parent's.
   * @throws Discard `step_reused` where the step was used before with another definition or input.
   */
  enqueue: <Definition extends AnyTask>(
    definition: Definition,
    input: InputOf<Definition>,
    options: ChildOptions,
  ) => Promise<Child<Definition>>;
  /**
   * What became of children. While one of them is not final it ends the run by throwing `WaitingForChildren`, which must
   * pass: the task then waits, holds no slot, and runs again from its start when all of them are final.
   */
  waitFor: <const Children extends readonly Child[]>(children: Children) => Promise<Outcomes<Children>>;
}

/** Encrypts and decrypts under a key made of `LOVAGE_SECRET`, one for each pack. @throws LovageError `not-configured` without it. */
export interface Vault {
  encrypt: (text: string) => Buffer;
  /** @throws LovageError `not-configured` when it was encrypted under another secret. */
  decrypt: (encrypted: Buffer) => string;
}

export interface ChildOptions {
  /** Names the child within its parent: up to 200 characters, the same in every run. */
  step: string;
  priority?: number | undefined;
  /** Not before so many milliseconds from now. */
  delayMs?: number | undefined;
  /** Not before this time (ISO 8601). */
  runAt?: string | undefined;
  tags?: readonly string[] | undefined;
  softLimitMs?: number | undefined;
  hardLimitMs?: number | undefined;
}

declare const definitionOf: unique symbol;

/** A child task, to wait for or to remember. */
export interface Child<Definition extends AnyTask = AnyTask> {
  readonly id: string;
  readonly name: Definition['name'];
  readonly step: string;
  /** In types only: what its result is. */
  readonly [definitionOf]?: () => Definition;
}

/** How a child ended; `result` is null unless it succeeded. */
export interface ChildOutcome<Definition extends AnyTask = AnyTask> {
  id: string;
  name: Definition['name'];
  step: string;
  state: 'succeeded' | 'failed' | 'cancelled' | 'expired';
  result: Json<OutputOf<Definition>> | null;
  error: { code: string; message: string; [detail: string]: unknown } | null;
}

type Outcomes<Children extends readonly Child[]> = {
  -readonly [Place in keyof Children]: Children[Place] extends Child<infer Definition>
    ? ChildOutcome<Definition>
    : never;
};

/** Waits between attempts: exact ones in order (the last repeats), or exponential with jitter. */
export type Backoff =
  | { delaysMs: readonly number[] }
  | { baseMs?: number; factor?: number; maxMs?: number; jitter?: number };

/** Which tasks of a definition are one, and for how long. */
export interface Dedupe<Input> {
  /** What they have in common; null: this one is like no other. Default: the whole input, as it was sent. */
  key?: ((input: Input) => string | null) | undefined;
  /** Also after its end, until so long after it was accepted. Default: only while it is not final. */
  withinMs?: number | undefined;
}

export interface TaskOptions<Name extends string, Input extends z.ZodType, Output extends z.ZodType> {
  /** Unique over all packs, such as `mail.welcome`. */
  name: Name;
  /** Where its tasks wait. Default: the part of the name before the first dot. */
  queue?: string;
  input: Input;
  output: Output;
  /** How often it may run in all before it fails. Default 3. */
  attempts?: number;
  /** Default: 1 s doubling, ±25 % jitter, at most 1 h. */
  backoff?: Backoff;
  /** Whether what a handler threw may pass by itself, such as `isTransient`; if not, the task fails at once. Default: all is tried again. */
  retryIf?: ((error: unknown) => boolean) | undefined;
  /** Higher runs first within its queue. Default 0. */
  priority?: number;
  /** How long the result can be read after success. Default: its queue's, or 24 h. */
  resultTtlMs?: number;
  /** So long after its end a task moves into the archive, where it is found as before. Default: its queue's, or 24 h. */
  archiveAfterMs?: number;
  /** So long it is kept there, and as long as its result; then it is gone. Default: its queue's, or 90 days. */
  retentionMs?: number;
  /** After so long its signal is aborted: it may clean up and return or throw. Default 240 s. */
  softLimitMs?: number;
  /**
   * After so long it is killed where it runs in a process of its own, else marked overdue; the attempt has failed either way.
   * Default 300 s, or a quarter more than the soft limit.
   */
  hardLimitMs?: number;
  /** How long after a cancel its handler may go on before it is killed or marked overdue. Default 5 s. */
  cancelGraceMs?: number;
  /** Tasks of its queue with the same key run one at a time, or as many as the queue's `perKey` says. */
  concurrencyKey?: ((input: z.output<Input>) => string | null) | undefined;
  /**
   * While a task is not final, an enqueue with the same key makes no second one and is answered with the first. Per tenant.
   */
  dedupe?: Dedupe<z.output<Input>> | undefined;
  /**
   * `inline` (default) shares the worker's event loop with many others; `process` runs in a pooled child
   * process, for work that keeps a CPU busy.
   */
  isolation?: 'inline' | 'process';
  run(context: RunContext<z.output<Input>>): Promise<z.input<Output>> | z.input<Output>;
}

/** What a definition may leave open. */
type Unsaid = 'concurrencyKey' | 'dedupe' | 'retryIf' | 'resultTtlMs' | 'archiveAfterMs' | 'retentionMs';

export interface TaskDefinition<
  Name extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
>
  extends
    Required<Omit<TaskOptions<Name, Input, Output>, Unsaid>>,
    Pick<TaskOptions<Name, Input, Output>, Unsaid> {}

/** What callers send: the input before its schema fills in defaults. */
export type InputOf<Definition> =
  Definition extends TaskDefinition<string, infer Input> ? z.input<Input> : never;
/** What callers get back as the result. */
export type OutputOf<Definition> =
  Definition extends TaskDefinition<string, z.ZodType, infer Output> ? z.output<Output> : never;

// Definitions of any input and output; a handler's parameter makes the exact type invariant.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyTask = TaskDefinition<string, any, any>;

const NAME = /^[a-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*$/;
const DAY_MS = 24 * 60 * 60 * 1000;

const queueName = z
  .string()
  .max(60)
  .regex(/^[a-z][A-Za-z0-9_-]*$/, 'must be letters, digits, "_" and "-"');
export const isQueueName = (name: string): boolean => queueName.safeParse(name).success;

/** Timers run no longer than this: 24 days. */
export const MAX_LIMIT_MS = 2_147_483_647;
const limitMs = z.int().min(1).max(MAX_LIMIT_MS);

/** Limits as they hold together: the hard one comes after the soft one. */
export const timeLimits = z
  .object({ softLimitMs: limitMs, hardLimitMs: limitMs })
  .refine(({ softLimitMs, hardLimitMs }) => softLimitMs <= hardLimitMs, {
    path: ['hardLimitMs'],
    error: 'must not be below softLimitMs',
  });

/** How long tasks are kept: in the hot table after their end, and then in the archive; and their results. */
export interface Keeping {
  resultTtlMs?: number | undefined;
  archiveAfterMs?: number | undefined;
  retentionMs?: number | undefined;
}

/** A time that something is kept: ten years at most. */
export const keepingMs = z
  .int()
  .min(1)
  .max(3650 * DAY_MS);

const policy = timeLimits.safeExtend({
  name: z.string().max(100).regex(NAME, 'must look like "pack.task"'),
  queue: queueName,
  attempts: z.int().min(1).max(1000),
  priority: z.int().min(-1000).max(1000),
  resultTtlMs: keepingMs.optional(),
  archiveAfterMs: keepingMs.optional(),
  retentionMs: keepingMs.optional(),
  cancelGraceMs: z.int().min(0).max(MAX_LIMIT_MS),
  isolation: z.enum(['inline', 'process']),
  dedupe: z
    .strictObject({
      key: z.custom((key) => typeof key === 'function', 'must be a function of the input').optional(),
      withinMs: z
        .int()
        .min(1)
        .max(3650 * DAY_MS)
        .optional(),
    })
    .optional(),
  backoff: z.union([
    z.strictObject({ delaysMs: z.array(z.number().min(0)).min(1).readonly() }),
    z.strictObject({
      baseMs: z.number().min(0).optional(),
      factor: z.number().min(1).optional(),
      maxMs: z.number().min(0).optional(),
      jitter: z.number().min(0).max(1).optional(),
    }),
  ]),
});

/** Defines a background task. @throws SetupError naming the task when its policy makes no sense. */
export function defineTask<const Name extends string, Input extends z.ZodType, Output extends z.ZodType>(
  options: TaskOptions<Name, Input, Output>,
): TaskDefinition<Name, Input, Output> {
  const definition = {
    queue: options.name.split('.')[0] ?? options.name,
    attempts: 3,
    backoff: {},
    priority: 0,
    ...defaultTimes(options),
    cancelGraceMs: 5_000,
    isolation: 'inline' as const,
    ...options,
  };
  const checked = policy.safeParse(definition);
  if (!checked.success) {
    const faults = checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new SetupError(`task definition "${options.name}": ${faults.join('; ')}`);
  }
  return definition;
}
