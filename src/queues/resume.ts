import { callAs } from '../db/call-as.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller, QueueView, ResumeOutcome } from '../wire.ts';
import { getQueue, queueNotFound, requireQueueName } from './list.ts';

/** Lets the tasks of a paused queue start again, at once. */
export async function resumeQueue(
  lovage: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'actor'>,
  name: string,
): Promise<{ queue: QueueView; outcome: ResumeOutcome }> {
  requireQueueName(name);
  const outcome = await callAs<ResumeOutcome | 'not_found'>(lovage.pool, caller.actor, 'lovage.resume($2)', [
    name,
  ]);
  if (outcome === 'not_found') throw queueNotFound(name);
  return { queue: await getQueue(lovage, name), outcome };
}
