import { LovageError } from '../errors.ts';
import type { WebhookEvent, WebhookView } from '../wire/webhooks.ts';

export const WEBHOOK_COLUMNS = `id, url, actor, events, disabled_at, disabled_reason,
  CASE WHEN former_until > now() THEN former_until END AS former_until, created_by, created_at`;

export interface WebhookRow {
  id: string;
  url: string;
  actor: string | null;
  events: WebhookEvent[];
  disabled_at: Date | null;
  disabled_reason: string | null;
  former_until: Date | null;
  created_by: string | null;
  created_at: Date;
}

export const viewWebhook = (row: WebhookRow): WebhookView => ({
  id: row.id,
  url: row.url,
  key: row.actor?.replace(/^key:/, '') ?? null,
  events: row.events,
  enabled: row.disabled_at === null,
  disabledAt: row.disabled_at?.toISOString() ?? null,
  disabledReason: row.disabled_reason,
  rotatingUntil: row.former_until?.toISOString() ?? null,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
});

export const actorOf = (key: string | null | undefined): string | null =>
  key === null || key === undefined ? null : `key:${key}`;

export const webhookNotFound = (id: string): LovageError =>
  new LovageError('webhook-not-found', `no webhook has the id "${id.slice(0, 64)}"`);

export const deliveryNotFound = (id: string): LovageError =>
  new LovageError('webhook-not-found', `no delivery of a webhook has the id "${id.slice(0, 64)}"`);
