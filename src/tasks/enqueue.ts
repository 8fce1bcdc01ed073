import type { z } from 'zod';
import { LovageError } from '../errors.ts';
import { faultsOf } from '../json/faults.ts';
import { findUnstorable } from '../json/unstorable.ts';
import type { Lovage } from '../lovage.ts';
import { sendTasks } from '../queue/send.ts';
import type { AnyTask } from '../task.ts';
import type { Caller, TaskView } from '../wire.ts';
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
}

/**
 * Accepts a task: it is committed when this resolves. One round trip to Postgres.
 * @throws unknown-task-name, or validation with a pointer per fault; nothing is written then.
 */
export async function enqueueTask(
  lovage: Pick<Lovage, 'config' | 'pool' | 'notifier'>,
  caller: Caller,
  request: EnqueueRequest,
): Promise<TaskView> {
  const definition = findDefinition(lovage, request.name);
  await validateInput(definition, request.input);
  const [row] = await sendTasks(lovage.pool, [
    {
      tenant: caller.tenant,
      name: definition.name,
      queue: definition.queue,
      priority: request.priority ?? definition.priority,
      maxAttempts: definition.attempts,
      resultTtlMs: definition.resultTtlMs,
      input: request.input ?? null,
      tags: request.tags ?? [],
      createdBy: caller.actor,
      delayMs: request.delayMs,
      dueAt: request.runAt,
    },
  ]).catch((error: unknown) => {
    throw explainRefusal(error, definition, request.input);
  });
  if (!row) throw new Error(`task "${request.name}" was accepted but no row came back`);
  lovage.notifier.ready(definition.queue);
  return viewAccepted(row, row.due_at > row.created_at);
}

export function findDefinition({ config }: Pick<Lovage, 'config'>, name: string): AnyTask {
  const definition = config.tasks.get(name);
  if (!definition)
    throw new LovageError('unknown-task-name', `no task definition is named "${name.slice(0, 100)}"`);
  return definition;
}

async function validateInput(definition: AnyTask, input: unknown): Promise<void> {
  const schema: z.ZodType = definition.input;
  const { error } = await schema.safeParseAsync(input);
  if (!error) return;
  throw new LovageError('validation', `the input does not fit the schema of "${definition.name}"`, {
    faults: faultsOf(error),
  });
}

/** Where Postgres refused the input for what jsonb cannot hold, its caller learns the place. */
function explainRefusal(error: unknown, { name }: AnyTask, input: unknown): unknown {
  const faults = findUnstorable(input, { text: true, depth: true });
  if (faults.length === 0) return error;
  return new LovageError('validation', `the input of "${name}" cannot be stored`, { faults, cause: error });
}
