import type { Lovage } from '../lovage.ts';
import { isTaskId } from '../tasks/view.ts';
import type { Caller } from '../wire.ts';
import type { WebhookView } from '../wire/webhooks.ts';
import { viewWebhook, WEBHOOK_COLUMNS, webhookNotFound, type WebhookRow } from './view.ts';

/** Its deliveries stay to be read; those under way fail. @throws webhook-not-found */
export async function removeWebhook(
  { pool }: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
): Promise<WebhookView> {
  if (!isTaskId(id)) throw webhookNotFound(id);
  const { rows } = await pool.query<WebhookRow>(
    `DELETE FROM lovage.webhook_endpoint WHERE id = $1 AND tenant = $2 RETURNING ${WEBHOOK_COLUMNS}`,
    [id, caller.tenant],
  );
  const [row] = rows;
  if (!row) throw webhookNotFound(id);
  return viewWebhook(row);
}
