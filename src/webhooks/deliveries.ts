import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { MAX_PAGE, readCursor, writeCursor } from '../tasks/list.ts';
import { isTaskId } from '../tasks/view.ts';
import type { Caller, Page } from '../wire.ts';
import type { DeliveryState, DeliveryView } from '../wire/webhooks.ts';
import { getWebhook } from './get.ts';

export interface DeliveryFilter {
  webhookId?: string | undefined;
  taskId?: string | undefined;
  batchId?: string | undefined;
  state?: DeliveryState | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

/** The tenant's messages, the newest first. @throws webhook-not-found, validation */
export async function listDeliveries(
  lovage: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  { webhookId, taskId, batchId, state, cursor, limit: wanted = 50 }: DeliveryFilter,
): Promise<Page<DeliveryView>> {
  requireIds({ taskId, batchId });
  if (webhookId !== undefined) await getWebhook(lovage, caller, webhookId);
  const limit = Math.min(wanted, MAX_PAGE);
  const { rows } = await lovage.pool.query<DeliveryRow>(
    `SELECT ${DELIVERY_COLUMNS} FROM ${DELIVERIES}
     WHERE d.tenant = $1 AND ($2::uuid IS NULL OR d.endpoint_id = $2) AND ($3::uuid IS NULL OR d.task_id = $3)
       AND ($4::uuid IS NULL OR d.batch_id = $4) AND ($5::text IS NULL OR ${STATE} = $5) AND ($6::uuid IS NULL OR d.id < $6)
     ORDER BY d.id DESC LIMIT $7`,
    [caller.tenant, webhookId, taskId, batchId, state, cursor && readCursor(cursor), limit + 1],
  );
  const items = rows.slice(0, limit).map(viewDelivery);
  return { items, nextCursor: rows.length > limit ? writeCursor(items.at(-1)?.id ?? '') : null };
}

function requireIds(ids: Record<string, string | undefined>): void {
  const faults = Object.entries(ids)
    .filter(([, id]) => id !== undefined && !isTaskId(id))
    .map(([pointer]) => ({ pointer, detail: 'must be an id' }));
  if (faults.length > 0) throw new LovageError('validation', 'A filter is no id', { faults });
}

/** Beside the task that delivers it, which says whether another try is to come. */
export const DELIVERIES = 'lovage.webhook_delivery d LEFT JOIN lovage.task t ON t.id = d.id';
const STATE = `CASE WHEN NOT lovage.is_final(t.state) THEN 'pending'
  WHEN d.delivered_at IS NOT NULL THEN 'delivered' ELSE 'failed' END`;
export const DELIVERY_COLUMNS = `d.id, d.endpoint_id, d.url, d.event, ${STATE} AS state, d.task_id, d.batch_id, d.tries,
  d.last_status, d.last_error, CASE WHEN t.state IN ('queued', 'retrying') THEN t.due_at END AS next_try_at, d.created_at,
  d.delivered_at`;

export interface DeliveryRow {
  id: string;
  endpoint_id: string | null;
  url: string;
  event: string;
  state: DeliveryState;
  task_id: string | null;
  batch_id: string | null;
  tries: number;
  last_status: number | null;
  last_error: string | null;
  next_try_at: Date | null;
  created_at: Date;
  delivered_at: Date | null;
}

export const viewDelivery = (row: DeliveryRow): DeliveryView => ({
  id: row.id,
  webhookId: row.endpoint_id,
  url: row.url,
  event: row.event,
  state: row.state,
  taskId: row.task_id,
  batchId: row.batch_id,
  tries: row.tries,
  lastStatus: row.last_status,
  lastError: row.last_error,
  nextTryAt: row.next_try_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
  deliveredAt: row.delivered_at?.toISOString() ?? null,
});
