import { callAs } from '../db/call-as.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller, PauseOutcome, QueueView } from '../wire.ts';
import { getQueue, queueNotFound, requireQueueName } from './list.ts';

/** Lets nothing of a queue start until it is resumed, whoever restarts in between; what runs goes on. */
export async function pauseQueue(
  lovage: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'actor'>,
  name: string,
  options: { reason?: string | undefined } = {},
): Promise<{ queue: QueueView; outcome: PauseOutcome }> {
  requireQueueName(name);
  const outcome = await callAs<PauseOutcome | 'not_found'>(
    lovage.pool,
    caller.actor,
    'lovage.pause($2, $3)',
    [name, options.reason ?? null],
  );
  if (outcome === 'not_found') throw queueNotFound(name);
  return { queue: await getQueue(lovage, name), outcome };
}
