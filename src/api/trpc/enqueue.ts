import type { z } from 'zod';
import { LovageError } from '../../errors.ts';
import { enqueueTask } from '../../tasks/enqueue.ts';
import { isFinal, type TaskView } from '../../wire.ts';
import { awaitTask } from '../await-task.ts';
import type { RequestContext } from '../context.ts';
import { toLovageError } from '../errors.ts';
import { presentTask } from '../present.ts';
import type { enqueueOptions } from './fields.ts';
import { mayDo, requireScope } from './procedures.ts';

export interface Submission {
  name: string;
  input: unknown;
  options: z.output<typeof enqueueOptions>;
}

/** Commits a task or finds the one that stands for it, then waits for it if asked; a final task comes whole. */
export async function enqueueAndWait(context: RequestContext, submission: Submission): Promise<TaskView> {
  const { lovage, caller, patience, inputText } = context;
  const { waitMs = 0, include, ...options } = submission.options;
  if (waitMs > 0) requireScope(caller, 'read');
  if (options.delayMs !== undefined && options.runAt !== undefined) {
    const faults = [{ pointer: 'runAt', detail: 'cannot come together with delayMs' }];
    throw new LovageError('validation', 'delayMs and runAt exclude each other', { faults });
  }
  const { name, input } = submission;
  const accepted = await patience.spend(
    enqueueTask(lovage, caller, { name, input, inputText, note: context.audit?.noteOf, ...options }),
  );
  const { replayed, deduplicated } = accepted;
  const marks = { ...(replayed && { replayed }), ...(deduplicated && { deduplicated }) };
  const mustWait = waitMs > 0 && !isFinal(accepted.state);
  if (mustWait) await context.audit?.done(accepted);
  const task = { ...(mustWait ? await awaitAccepted(context, accepted, waitMs) : accepted), ...marks };
  // One that was there before may be anybody's of the tenant: what went in and what came out is for those who may read.
  const isOthers = (replayed ?? deduplicated ?? false) && !mayDo(caller, 'read');
  if (isOthers) return presentTask(task, []);
  return isFinal(task.state) ? task : presentTask({ input, ...task }, include);
}

/** The task is committed by now: an outage while waiting must not read as a refusal, or the caller sends it again. */
async function awaitAccepted(context: RequestContext, accepted: TaskView, waitMs: number): Promise<TaskView> {
  try {
    return await awaitTask(context, accepted.id, waitMs);
  } catch (error) {
    if (toLovageError(error).code === 'queue-unavailable') return accepted;
    throw error;
  }
}
