import { z } from 'zod';
import { DELIVERY_STATES, WEBHOOK_EVENTS } from '../../wire/webhooks.ts';
import { listFields } from './fields.ts';

const MAX_GRACE_MS = 30 * 24 * 60 * 60 * 1000;

const url = z.string().max(2_000);
const key = z.string().min(1).max(100).nullable().optional();
const events = z.array(z.enum(WEBHOOK_EVENTS)).max(WEBHOOK_EVENTS.length).optional();
const secret = z.string().max(200).optional();
const id = z.string();

export const webhookId = z.object({ id });
export const newWebhook = z.strictObject({ url, key, events, secret });
export const webhookChange = z.strictObject({
  url: url.optional(),
  key,
  events,
  enabled: z.boolean().optional(),
});
export const rotation = z.strictObject({ graceMs: z.int().min(0).max(MAX_GRACE_MS).optional(), secret });

export const deliveryFilter = z.object({
  webhookId: z.string().max(100).optional(),
  taskId: z.string().max(100).optional(),
  batchId: z.string().max(100).optional(),
  state: z.enum(DELIVERY_STATES).optional(),
  cursor: listFields.shape.cursor,
  limit: listFields.shape.limit,
});
