import { index, jsonb, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { at, lovage } from './columns.ts';

/** When a task is started by itself. */
export const schedule = lovage.table(
  'schedule',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull().default('default'),
    name: text('name').notNull(),
    taskName: text('task_name').notNull(),
    input: jsonb('input'),
    /** Priority, tags and the like: what its tasks are enqueued with. */
    options: jsonb('options').notNull().default({}),
    kind: text('kind').notNull(),
    /** A cron expression, or the lines of an RFC 5545 recurrence. */
    expression: text('expression').notNull(),
    timeZone: text('time_zone').notNull().default('UTC'),
    /** What becomes of occurrences that nobody was there to run: `skip`, or `once` for all of them together. */
    missed: text('missed').notNull().default('skip'),
    source: text('source').notNull(),
    /** Null where nothing is left to come. */
    nextAt: at('next_at'),
    lastAt: at('last_at'),
    pausedAt: at('paused_at'),
    pausedBy: text('paused_by'),
    /** When a pause ended: what came due before is not run. */
    resumedAt: at('resumed_at'),
    createdBy: text('created_by'),
    createdAt: at('created_at').notNull().defaultNow(),
    updatedAt: at('updated_at').notNull().defaultNow(),
  },
  (t) => [uniqueIndex('schedule_name').on(t.tenant, t.name), index('schedule_next').on(t.nextAt)],
);

/** One row an occurrence: that there is but one, the key sees to. */
export const scheduleRun = lovage.table(
  'schedule_run',
  {
    scheduleId: uuid('schedule_id').notNull(),
    occurrence: at('occurrence').notNull(),
    taskId: uuid('task_id'),
    /** `due`, `made_up`, `by_hand`, or `skipped`, where nobody was there. */
    kind: text('kind').notNull(),
    at: at('at').notNull().defaultNow(),
    /** Why there is no task. */
    error: text('error'),
  },
  (t) => [primaryKey({ columns: [t.scheduleId, t.occurrence, t.kind] })],
);
