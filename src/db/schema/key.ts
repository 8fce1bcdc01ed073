import { index, integer, jsonb, text, uuid } from 'drizzle-orm/pg-core';
import { at, bytea, lovage } from './columns.ts';

/** Keys are stored as SHA-256 only; the prefix is what people recognise them by. */
export const apiKey = lovage.table('api_key', {
  id: uuid('id').primaryKey(),
  tenant: text('tenant').notNull().default('default'),
  name: text('name').notNull(),
  prefix: text('prefix').notNull(),
  hash: bytea('hash').notNull().unique(),
  scopes: text('scopes').array().notNull(),
  createdAt: at('created_at').notNull().defaultNow(),
  expiresAt: at('expires_at'),
  revokedAt: at('revoked_at'),
  createdBy: text('created_by'),
  /** Of tasks whose caller names none. Null: as their definition says. */
  priority: integer('priority'),
  /** At most `rateLimit` requests in any `ratePeriodMs`, over all nodes. Null: no limit. */
  rateLimit: integer('rate_limit'),
  ratePeriodMs: integer('rate_period_ms'),
  lastUsedAt: at('last_used_at'),
  /** The key that took its place. */
  replacedBy: uuid('replaced_by'),
});

/** Who did what, from where: one row for every call that changes something. */
export const auditLog = lovage.table(
  'audit_log',
  {
    id: uuid('id').primaryKey(),
    at: at('at').notNull().defaultNow(),
    tenant: text('tenant').notNull(),
    /** Such as `key:ci`, `cli:ada` or `sql:ada`. */
    actor: text('actor').notNull(),
    /** The verb, such as `tasks.cancel`. */
    action: text('action').notNull(),
    /** What it was done to: an id or a name. */
    target: text('target'),
    /** `ok`, or the code of the error that the caller got. */
    outcome: text('outcome').notNull(),
    ip: text('ip'),
    requestId: text('request_id'),
    detail: jsonb('detail').notNull().default({}),
  },
  (t) => [index('audit_log_tenant').on(t.tenant, t.id)],
);
