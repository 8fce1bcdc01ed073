import { index, integer, jsonb, text, uuid } from 'drizzle-orm/pg-core';
import { at, lovage } from './columns.ts';

/** Tasks that were accepted together. */
export const batch = lovage.table(
  'batch',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    label: text('label'),
    size: integer('size').notNull(),
    /** The task that gets the results when all have ended, as `add_tasks` takes it. */
    followUp: jsonb('follow_up'),
    followUpId: uuid('follow_up_id'),
    /** `{url, secret}`: where to tell that it has ended; the secret is encrypted. */
    callback: jsonb('callback'),
    createdBy: text('created_by'),
    createdAt: at('created_at').notNull().defaultNow(),
    cancelRequestedAt: at('cancel_requested_at'),
    finishedAt: at('finished_at'),
  },
  (t) => [index('batch_tenant').on(t.tenant, t.id)],
);
