import type { Lovage } from '../lovage.ts';
import { isTaskId } from '../tasks/view.ts';
import type { Caller } from '../wire.ts';
import type { WebhookEvent, WebhookView } from '../wire/webhooks.ts';
import { checkUrl } from './check.ts';
import { actorOf, viewWebhook, WEBHOOK_COLUMNS, webhookNotFound, type WebhookRow } from './view.ts';

/** What is missing stays as it is. */
export interface WebhookChange {
  url?: string | undefined;
  key?: string | null | undefined;
  events?: readonly WebhookEvent[] | undefined;
  enabled?: boolean | undefined;
}

/** Deliveries under way go where it points now. @throws webhook-not-found, validation */
export async function updateWebhook(
  lovage: Pick<Lovage, 'pool' | 'egress'>,
  caller: Caller,
  id: string,
  { url, key, events, enabled }: WebhookChange,
): Promise<WebhookView> {
  const checked = url === undefined ? null : checkUrl(lovage, url, '/url');
  if (!isTaskId(id)) throw webhookNotFound(id);
  const { rows } = await lovage.pool.query<WebhookRow>(
    `UPDATE lovage.webhook_endpoint
     SET url = coalesce($3, url), actor = CASE WHEN $4 THEN $5 ELSE actor END, events = coalesce($6, events),
         disabled_at = CASE $7::boolean WHEN true THEN NULL WHEN false THEN coalesce(disabled_at, now()) ELSE disabled_at END,
         disabled_reason = CASE $7::boolean WHEN true THEN NULL WHEN false THEN coalesce(disabled_reason, $8) ELSE disabled_reason END
     WHERE id = $1 AND tenant = $2
     RETURNING ${WEBHOOK_COLUMNS}`,
    [
      id,
      caller.tenant,
      checked,
      key !== undefined,
      actorOf(key),
      events && [...new Set(events)],
      enabled,
      `disabled by ${caller.actor}`,
    ],
  );
  const [row] = rows;
  if (!row) throw webhookNotFound(id);
  return viewWebhook(row);
}
