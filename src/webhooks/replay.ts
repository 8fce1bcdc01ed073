import { callAs } from '../db/call-as.ts';
import { retryConflicts } from '../db/failures.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import type { DeliveryWithTries, ReplayOutcome } from '../wire/webhooks.ts';
import { getDelivery } from './delivery.ts';
import { requireEnabled } from './test.ts';
import { deliveryNotFound } from './view.ts';

/**
 * Sends a message once more under its own webhook-id, with a new budget of tries; one that waits for its next try is sent
 * now. One that is being sent stays as it is.
 * @throws webhook-not-found, also where its endpoint was removed; conflict where that is disabled
 */
export async function replayDelivery(
  lovage: Pick<Lovage, 'pool' | 'db'>,
  caller: Caller,
  id: string,
): Promise<{ delivery: DeliveryWithTries; outcome: ReplayOutcome }> {
  const { webhookId } = await getDelivery(lovage, caller, id);
  if (webhookId !== null) await requireEnabled(lovage, caller, webhookId);
  const outcome = await retryConflicts(() =>
    callAs<ReplayOutcome | 'not_found'>(lovage.pool, caller.actor, 'lovage.replay_delivery($2)', [id]),
  );
  if (outcome === 'not_found') throw deliveryNotFound(id);
  return { delivery: await getDelivery(lovage, caller, id), outcome };
}
