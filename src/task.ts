import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { z } from 'zod';
import { SetupError } from './errors.ts';

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
  /** Numbered from 1, never reused. */
  attempt: number;
  /** Aborted when the task is cancelled, or when its worker is shutting down past its grace. */
  signal: AbortSignal;
  /** Shows live at once; each distinct `current` (up to 100 an attempt) also stays in the history. */
  progress: (progress: Progress) => void;
  /** A line of the task's history. */
  log: (message: string, data?: Record<string, unknown>) => void;
  /** The database Lovage runs on, for the task's own tables. */
  db: NodePgDatabase;
}

/** Waits between attempts: exact ones in order (the last repeats), or exponential with jitter. */
export type Backoff =
  | { delaysMs: readonly number[] }
  | { baseMs?: number; factor?: number; maxMs?: number; jitter?: number };

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
  /** Higher runs first within its queue. Default 0. */
  priority?: number;
  /** How long the result can be read after success. Default 24 h. */
  resultTtlMs?: number;
  /**
   * `inline` (default) shares the worker's event loop with many others; `process` runs in a pooled child
   * process, for work that keeps a CPU busy.
   */
  isolation?: 'inline' | 'process';
  run(context: RunContext<z.output<Input>>): Promise<z.input<Output>> | z.input<Output>;
}

export interface TaskDefinition<
  Name extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> extends Required<TaskOptions<Name, Input, Output>> {}

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

const policy = z.object({
  name: z.string().max(100).regex(NAME, 'must look like "pack.task"'),
  queue: queueName,
  attempts: z.int().min(1).max(1000),
  priority: z.int().min(-1000).max(1000),
  resultTtlMs: z
    .int()
    .min(1)
    .max(3650 * DAY_MS),
  isolation: z.enum(['inline', 'process']),
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
    resultTtlMs: DAY_MS,
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
