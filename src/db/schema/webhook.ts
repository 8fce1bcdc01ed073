import { sql } from 'drizzle-orm';
import { index, integer, jsonb, text, uuid } from 'drizzle-orm/pg-core';
import { at, bytea, lovage } from './columns.ts';

/** Where a tenant wants to be told of the ends of its tasks. */
export const webhookEndpoint = lovage.table(
  'webhook_endpoint',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    url: text('url').notNull(),
    /** Only of tasks that this one made, such as `key:ci`. Null: of all. */
    actor: text('actor'),
    /** Such as `task.succeeded` or `batch.finished`. Empty: all. */
    events: text('events')
      .array()
      .notNull()
      .default(sql`'{}'`),
    secret: bytea('secret').notNull(),
    /** Signs as well until its time is over, so that receivers can change. */
    formerSecret: bytea('former_secret'),
    formerUntil: at('former_until'),
    disabledAt: at('disabled_at'),
    disabledReason: text('disabled_reason'),
    createdBy: text('created_by'),
    createdAt: at('created_at').notNull().defaultNow(),
  },
  (t) => [index('webhook_endpoint_tenant').on(t.tenant, t.id)],
);

/** A message to one URL. Its id is the webhook id, and that of the task that delivers it. */
export const webhookDelivery = lovage.table(
  'webhook_delivery',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    endpointId: uuid('endpoint_id'),
    url: text('url').notNull(),
    /** Of a callback; an endpoint has its own. */
    secret: bytea('secret'),
    event: text('event').notNull(),
    taskId: uuid('task_id'),
    batchId: uuid('batch_id'),
    payload: jsonb('payload').notNull(),
    createdAt: at('created_at').notNull().defaultNow(),
    deliveredAt: at('delivered_at'),
    lastStatus: integer('last_status'),
    lastError: text('last_error'),
    tries: integer('tries').notNull().default(0),
  },
  (t) => [
    index('webhook_delivery_tenant').on(t.tenant, t.id),
    index('webhook_delivery_task').on(t.taskId),
    index('webhook_delivery_endpoint').on(t.endpointId, t.id),
  ],
);

/** Where to tell of the end of one task: `{url, secret}`, the secret encrypted. */
export const taskCallback = lovage.table('task_callback', {
  taskId: uuid('task_id').primaryKey(),
  url: text('url').notNull(),
  secret: bytea('secret'),
});
