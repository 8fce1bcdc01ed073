import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import type { WebhookWithSecret } from '../wire/webhooks.ts';
import { sealSecret } from './check.ts';
import { getWebhook } from './get.ts';
import { generateSecret } from './signature.ts';
import { viewWebhook, WEBHOOK_COLUMNS, webhookNotFound, type WebhookRow } from './view.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * A new secret, shown this once. Messages are signed with the former one too until the grace is over, a day by default, so
 * that receivers can change.
 * @throws webhook-not-found, validation, not-configured
 */
export async function rotateWebhook(
  lovage: Pick<Lovage, 'pool' | 'secret'>,
  caller: Caller,
  id: string,
  {
    graceMs = DAY_MS,
    secret = generateSecret(),
  }: { graceMs?: number | undefined; secret?: string | undefined },
): Promise<WebhookWithSecret> {
  await getWebhook(lovage, caller, id);
  const sealed = sealSecret(lovage, secret, '/secret');
  const { rows } = await lovage.pool.query<WebhookRow>(
    `UPDATE lovage.webhook_endpoint
     SET former_secret = secret, former_until = now() + $4::float8 * interval '1 ms', secret = $3
     WHERE id = $1 AND tenant = $2
     RETURNING ${WEBHOOK_COLUMNS}`,
    [id, caller.tenant, sealed, graceMs],
  );
  const [row] = rows;
  if (!row) throw webhookNotFound(id);
  return { ...viewWebhook(row), secret };
}
