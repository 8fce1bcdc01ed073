import type { z } from 'zod';
import { LovageError } from '../errors.ts';
import { faultsOf } from '../json/faults.ts';
import type { Lovage } from '../lovage.ts';
import type { NewTask } from '../queue/send.ts';
import { timeLimits, type AnyTask } from '../task.ts';
import { traceSend } from '../tracing/spans.ts';
import { uuidV7 } from '../uuid.ts';
import { sealCallback, type Callback } from '../webhooks/callback.ts';
import type { Caller, TaskView } from '../wire.ts';
import { acceptOnce } from './accept-once.ts';
import { explainRefusal } from './explain-refusal.ts';
import { sendNoted, type Note } from './send-noted.ts';
import { concurrencyKeyOf, dedupeOf } from './task-keys.ts';
import { viewAccepted } from './view.ts';

export interface EnqueueRequest {
  name: string;
  /** In its wire form: stored as it came, parsed by the worker. */
  input: unknown;
  priority?: number | undefined;
  /** Not before so many milliseconds from now. */
  delayMs?: number | undefined;
  /** Not before this time (ISO 8601). */
  runAt?: string | undefined;
  tags?: readonly string[] | undefined;
  /** Instead of the definition's; each at least 1 ms, the hard one not below the soft one. */
  softLimitMs?: number | undefined;
  hardLimitMs?: number | undefined;
  /** The caller's own: the same request under it again, within a day, is answered with the first one's task. */
  idempotencyKey?: string | undefined;
  /** Where to tell of its end. */
  callback?: Callback | undefined;
}

/** With its input also as it came: then that is stored, without being written anew. Both must say the same. */
export interface SentRequest extends EnqueueRequest {
  inputText?: Uint8Array | undefined;
  /** What is written down of it, once its task has an id; not used where another task may stand for it. */
  note?: ((task: { id: string; name: string }) => Note) | undefined;
}

/**
 * Accepts a task: it is committed when this resolves. One round trip to Postgres, shared with others that come at the same
 * time; one more where there is such a task already, which is then the answer, marked as `replayed` or `deduplicated`.
 * @throws unknown-task-name, or validation with a pointer per fault; nothing is written then.
 */
export async function enqueueTask(
  lovage: Pick<
    Lovage,
    'config' | 'pool' | 'db' | 'sender' | 'notifier' | 'idempotencyTtlMs' | 'secret' | 'egress'
  >,
  caller: Caller,
  { note, ...request }: SentRequest,
): Promise<TaskView> {
  const task = {
    ...(await newTask(findDefinition(lovage, request.name), caller, request)),
    id: uuidV7(),
    callback: request.callback && sealCallback(lovage, request.callback),
  };
  try {
    if (task.dedupe || request.idempotencyKey !== undefined) {
      return await send(task, (traced) => acceptOnce(lovage, caller, traced, request));
    }
    const row = await send(task, (traced) =>
      sendNoted(lovage.sender, traced, {
        inputText: request.inputText,
        note: note?.({ id: task.id, name: task.name }),
      }),
    );
    lovage.notifier.ready(task.queue);
    return viewAccepted(row, row.due_at > row.created_at);
  } catch (error) {
    throw await explainRefusal(lovage, error, task);
  }
}

/** Whoever takes it goes on with its trace from here. */
const send = <Result>(task: NewTask, accept: (traced: NewTask) => Promise<Result>): Promise<Result> =>
  traceSend(task, (trace) => accept({ ...task, trace }));

/** A task as its definition and its caller want it, checked. @throws validation with a pointer per fault. */
export async function newTask(
  definition: AnyTask,
  caller: Pick<Caller, 'actor' | 'tenant' | 'priority' | 'origin'>,
  request: Omit<EnqueueRequest, 'name'>,
): Promise<NewTask> {
  const input = await parseInput(definition, request.input);
  return {
    tenant: caller.tenant,
    name: definition.name,
    queue: definition.queue,
    priority: request.priority ?? caller.priority ?? definition.priority,
    maxAttempts: definition.attempts,
    resultTtlMs: definition.resultTtlMs,
    ...limitsOf(definition, request),
    concurrencyKey: concurrencyKeyOf(definition, input),
    dedupe: dedupeOf(definition, input, request.input),
    input: request.input ?? null,
    tags: request.tags ?? [],
    createdBy: caller.actor,
    delayMs: request.delayMs,
    dueAt: request.runAt,
    trace: caller.origin?.trace,
    requestId: caller.origin?.requestId,
  };
}

/** As its queue completes it. @throws unknown-task-name */
export function findDefinition({ config }: Pick<Lovage, 'config'>, name: string): AnyTask {
  const definition = config.tasks.get(name);
  if (!definition)
    throw new LovageError('unknown-task-name', `no task definition is named "${name.slice(0, 100)}"`);
  const { resultTtlMs = config.queues.get(definition.queue)?.resultTtlMs } = definition;
  return { ...definition, resultTtlMs };
}

async function parseInput(definition: AnyTask, input: unknown): Promise<unknown> {
  const schema: z.ZodType = definition.input;
  const { data, error } = await schema.safeParseAsync(input);
  if (!error) return data;
  throw new LovageError('validation', `the input does not fit the schema of "${definition.name}"`, {
    faults: faultsOf(error),
  });
}

/** A soft limit of its own moves the definition's hard one out of its way, and a hard one the soft one. */
function limitsOf(
  definition: AnyTask,
  { softLimitMs, hardLimitMs }: Pick<EnqueueRequest, 'softLimitMs' | 'hardLimitMs'>,
): { softLimitMs: number; hardLimitMs: number } {
  const soft = softLimitMs ?? Math.min(definition.softLimitMs, hardLimitMs ?? Infinity);
  const limits = { softLimitMs: soft, hardLimitMs: hardLimitMs ?? Math.max(definition.hardLimitMs, soft) };
  const { error } = timeLimits.safeParse(limits);
  if (!error) return limits;
  const faults = faultsOf(error).map(({ pointer, detail }) => ({ pointer: pointer.slice(1), detail }));
  throw new LovageError('validation', 'the time limits make no sense', { faults });
}
