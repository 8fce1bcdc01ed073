import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import { uuidV7 } from '../uuid.ts';
import type { Caller } from '../wire.ts';
import type { WebhookEvent, WebhookWithSecret } from '../wire/webhooks.ts';
import { checkUrl, sealSecret } from './check.ts';
import { generateSecret } from './signature.ts';
import { actorOf, viewWebhook, WEBHOOK_COLUMNS, type WebhookRow } from './view.ts';

export interface NewWebhook {
  url: string;
  /** Only of tasks that the API key of this name makes. */
  key?: string | null | undefined;
  /** Default: all. */
  events?: readonly WebhookEvent[] | undefined;
  /** `whsec_…`; default: one that is made here. */
  secret?: string | undefined;
}

/** Every end of a task makes a delivery for each of them. */
const MAX_WEBHOOKS = 50;

/**
 * Where the tenant is told of the ends of tasks that are accepted from now on. `secret` is shown this once.
 * @throws validation, not-configured, or conflict when there are too many.
 */
export async function createWebhook(
  lovage: Pick<Lovage, 'pool' | 'secret' | 'egress'>,
  caller: Caller,
  { url, key, events = [], secret = generateSecret() }: NewWebhook,
): Promise<WebhookWithSecret> {
  const values = [
    uuidV7(),
    caller.tenant,
    checkUrl(lovage, url, '/url'),
    actorOf(key),
    [...new Set(events)],
    sealSecret(lovage, secret, '/secret'),
    caller.actor,
    MAX_WEBHOOKS,
  ];
  const { rows } = await lovage.pool.query<WebhookRow>(
    `INSERT INTO lovage.webhook_endpoint (id, tenant, url, actor, events, secret, created_by)
     SELECT $1, $2, $3, $4, $5, $6, $7
     WHERE (SELECT count(*) FROM lovage.webhook_endpoint e WHERE e.tenant = $2) < $8
     RETURNING ${WEBHOOK_COLUMNS}`,
    values,
  );
  const [row] = rows;
  if (!row)
    throw new LovageError('conflict', `there are ${MAX_WEBHOOKS} webhooks already, as many as may be`);
  return { ...viewWebhook(row), secret };
}
