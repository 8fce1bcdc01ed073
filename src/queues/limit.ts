import { callAs } from '../db/call-as.ts';
import type { Lovage } from '../lovage.ts';
import { limitsOf } from '../queue/limit.ts';
import type { Caller, QueueView, RateLimit } from '../wire.ts';
import { getQueue, queueNotFound, requireQueueName } from './list.ts';

export interface LimitChange {
  /** At most so many attempts at a time, over all workers; null: no limit. What is not named stays as it is. */
  concurrency?: number | null | undefined;
  perKey?: number | null | undefined;
  rate?: RateLimit | null | undefined;
  /** Back to what the configuration says, instead. */
  asConfigured?: true | undefined;
}

/** Changes what holds a queue back, over restarts until it is taken back. @throws queue-not-found */
export async function limitQueue(
  lovage: Pick<Lovage, 'pool' | 'config'>,
  caller: Pick<Caller, 'actor'>,
  name: string,
  { concurrency, perKey, rate, asConfigured }: LimitChange,
): Promise<QueueView> {
  requireQueueName(name);
  const wanted = asConfigured
    ? limitsOf(lovage.config, name)
    : {
        maxRunning: concurrency,
        maxPerKey: perKey,
        ...(rate !== undefined && { rateLimit: rate?.limit ?? null, ratePeriodMs: rate?.periodMs ?? null }),
      };
  const outcome = await callAs<'limited' | 'not_found'>(
    lovage.pool,
    caller.actor,
    'lovage.change_limits($2, $3, $4)',
    [name, JSON.stringify(wanted), asConfigured ?? false],
  );
  if (outcome === 'not_found') throw queueNotFound(name);
  return getQueue(lovage, name);
}
