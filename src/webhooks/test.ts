import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import type { DeliveryWithTries } from '../wire/webhooks.ts';
import { getDelivery } from './delivery.ts';
import { getWebhook } from './get.ts';

/** Sends an endpoint a message of type `webhook.test`. @throws webhook-not-found, or conflict when it is disabled */
export async function testWebhook(
  lovage: Pick<Lovage, 'pool' | 'db'>,
  caller: Caller,
  id: string,
): Promise<DeliveryWithTries> {
  await requireEnabled(lovage, caller, id);
  const { rows } = await lovage.pool.query<{ id: string }>('SELECT lovage.test_webhook($1) AS id', [id]);
  return getDelivery(lovage, caller, rows[0]?.id ?? '');
}

/** Nothing is sent to an endpoint that is disabled. */
export async function requireEnabled(
  lovage: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
): Promise<void> {
  const { enabled } = await getWebhook(lovage, caller, id);
  if (!enabled) throw new LovageError('conflict', `webhook ${id} is disabled: enable it first`);
}
