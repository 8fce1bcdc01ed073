import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { LovageError } from '../errors.ts';
import { faultsOf } from '../json/faults.ts';
import type { Lovage } from '../lovage.ts';
import type { NewTask } from '../queue/send.ts';
import type { AnyTask } from '../task.ts';
import { findDefinition, newTask } from '../tasks/enqueue.ts';
import type { Caller } from '../wire.ts';

export interface FollowUpRequest {
  name: string;
  /** What it gets as `input`, beside the results. */
  input?: unknown;
}

/** What the task after a batch gets: the results in the order in which the tasks were sent. */
export interface FollowUpInput {
  batchId: string;
  input: unknown;
  results: { id: string; name: string; state: string; result: unknown; error: object | null }[];
}

/**
 * The task that a batch starts at its end. Its input is checked now as far as it is known: all but the results.
 * @throws validation with pointers into the `input` of the request, or at its name.
 */
export async function newFollowUp(
  lovage: Pick<Lovage, 'config'>,
  caller: Caller,
  { name, input = null }: FollowUpRequest,
): Promise<NewTask> {
  const definition = findDefinition(lovage, name);
  await checkInput(definition, { batchId: randomUUID(), input, results: [] });
  // Its keys would be told from an input that is not there yet.
  const lenient: AnyTask = {
    ...definition,
    input: z.unknown(),
    concurrencyKey: undefined,
    dedupe: undefined,
  };
  return newTask(lenient, caller, { input });
}

async function checkInput(definition: AnyTask, sample: FollowUpInput): Promise<void> {
  const schema: z.ZodType = definition.input;
  const { error } = await schema.safeParseAsync(sample);
  if (!error) return;
  // How many results there are, and which, the schema may only judge when they are there.
  const faults = faultsOf(error).filter(({ pointer }) => !/^\/results(\/|$)/.test(pointer));
  if (faults.length === 0) return;
  throw new LovageError('validation', `the input of "${definition.name}" does not fit`, {
    faults: faults.map(({ pointer, detail }) =>
      /^\/input(\/|$)/.test(pointer)
        ? { pointer: pointer.slice('/input'.length), detail }
        : {
            pointer: 'name',
            detail: `it must take {batchId, input, results}: ${pointer || '(root)'} ${detail}`,
          },
    ),
  });
}
