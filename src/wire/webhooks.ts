import { z } from '@hono/zod-openapi';
import { attemptSchema } from '../wire.ts';

/** What an endpoint can be told of. */
export const WEBHOOK_EVENTS = [
  'task.succeeded',
  'task.failed',
  'task.cancelled',
  'task.expired',
  'batch.finished',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

const time = z.iso.datetime();

export const webhookSchema = z
  .object({
    id: z.uuid(),
    url: z.string(),
    key: z
      .string()
      .nullable()
      .openapi({ description: 'Only of tasks that the API key of this name made; null: of all' }),
    events: z.array(z.enum(WEBHOOK_EVENTS)).openapi({ description: 'Empty: all' }),
    enabled: z.boolean(),
    disabledAt: time.nullable(),
    disabledReason: z.string().nullable(),
    rotatingUntil: time
      .nullable()
      .openapi({ description: 'Until then messages are signed with the former secret too' }),
    createdBy: z.string().nullable(),
    createdAt: time,
  })
  .openapi('Webhook', { description: 'Where a tenant is told of the ends of its tasks and batches' });
export type WebhookView = z.output<typeof webhookSchema>;

export const webhookWithSecretSchema = webhookSchema
  .extend({ secret: z.string().openapi({ description: 'Shown this once', example: 'whsec_…' }) })
  .openapi('WebhookWithSecret');
export type WebhookWithSecret = z.output<typeof webhookWithSecretSchema>;

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export const deliverySchema = z
  .object({
    id: z.uuid().openapi({
      description: 'The webhook-id header of the message, and the id of the task that delivers it',
    }),
    webhookId: z.uuid().nullable().openapi({ description: 'null for the callback of one task or batch' }),
    url: z.string(),
    event: z.string().openapi({ example: 'task.succeeded' }),
    state: z.enum(DELIVERY_STATES),
    taskId: z.uuid().nullable(),
    batchId: z.uuid().nullable(),
    tries: z.int().min(0),
    lastStatus: z.int().nullable().openapi({ description: 'What the receiver answered last' }),
    lastError: z.string().nullable(),
    nextTryAt: time.nullable(),
    createdAt: time,
    deliveredAt: time.nullable(),
  })
  .openapi('WebhookDelivery');
export type DeliveryView = z.output<typeof deliverySchema>;

export const deliveryWithTriesSchema = deliverySchema
  .extend({
    payload: z.any().openapi({ description: 'The body of the message' }),
    attempts: z.array(attemptSchema).openapi({ description: 'Every try, the oldest first' }),
  })
  .openapi('WebhookDeliveryWithTries');
export type DeliveryWithTries = z.output<typeof deliveryWithTriesSchema>;

export type ReplayOutcome = 'queued' | 'not_final';
