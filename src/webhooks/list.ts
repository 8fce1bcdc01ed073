import type { Lovage } from '../lovage.ts';
import type { Caller, Page } from '../wire.ts';
import type { WebhookView } from '../wire/webhooks.ts';
import { viewWebhook, WEBHOOK_COLUMNS, type WebhookRow } from './view.ts';

/** All of the tenant's, the oldest first: there are not many. */
export async function listWebhooks(
  { pool }: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'tenant'>,
): Promise<Page<WebhookView>> {
  const { rows } = await pool.query<WebhookRow>(
    `SELECT ${WEBHOOK_COLUMNS} FROM lovage.webhook_endpoint WHERE tenant = $1 ORDER BY id`,
    [caller.tenant],
  );
  return { items: rows.map(viewWebhook), nextCursor: null };
}
