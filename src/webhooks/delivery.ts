import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { listAttempts } from '../tasks/attempts.ts';
import { isTaskId } from '../tasks/view.ts';
import type { AttemptView, Caller } from '../wire.ts';
import type { DeliveryWithTries } from '../wire/webhooks.ts';
import { DELIVERIES, DELIVERY_COLUMNS, viewDelivery, type DeliveryRow } from './deliveries.ts';
import { deliveryNotFound } from './view.ts';

/** One message with its body and every try. @throws webhook-not-found */
export async function getDelivery(
  lovage: Pick<Lovage, 'pool' | 'db'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
): Promise<DeliveryWithTries> {
  if (!isTaskId(id)) throw deliveryNotFound(id);
  const { rows } = await lovage.pool.query<DeliveryRow & { payload: unknown }>(
    `SELECT ${DELIVERY_COLUMNS}, d.payload FROM ${DELIVERIES} WHERE d.id = $1 AND d.tenant = $2`,
    [id, caller.tenant],
  );
  const [row] = rows;
  if (!row) throw deliveryNotFound(id);
  return { ...viewDelivery(row), payload: row.payload, attempts: await triesOf(lovage, caller, id) };
}

/** None where the history has been removed already. */
async function triesOf(
  lovage: Pick<Lovage, 'db'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
): Promise<AttemptView[]> {
  try {
    return (await listAttempts(lovage, caller, id)).items;
  } catch (error) {
    if (error instanceof LovageError && error.code === 'task-not-found') return [];
    throw error;
  }
}
