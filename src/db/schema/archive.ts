import { sql } from 'drizzle-orm';
import { bigint, index, integer, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { at, lovage } from './columns.ts';
import { taskState } from './task.ts';

/**
 * Final tasks with their history, one row each, partitioned by when they expire: the columns are those that lists filter
 * by, the rest of the task's row is `task`. Its tables are made in drizzle/0018_archive.sql.
 */
export const taskArchive = lovage.table(
  'task_archive',
  {
    id: uuid('id').notNull(),
    tenant: text('tenant').notNull(),
    name: text('name').notNull(),
    queue: text('queue').notNull(),
    state: taskState('state').notNull(),
    attempt: integer('attempt').notNull(),
    tags: text('tags')
      .array()
      .notNull()
      .default(sql`'{}'`),
    batchId: uuid('batch_id'),
    parentId: uuid('parent_id'),
    createdAt: at('created_at').notNull(),
    finishedAt: at('finished_at').notNull(),
    archivedAt: at('archived_at').notNull().defaultNow(),
    /** Set when it is archived. */
    expiresAt: at('expires_at').notNull(),
    task: jsonb('task').notNull(),
    /** `{number, type, attempt, at, data}` each, in order. */
    events: jsonb('events').notNull(),
    /** The last live progress and the callback, where there are any: what a task that comes back has again. */
    kept: jsonb('kept').notNull().default({}),
  },
  (t) => [
    primaryKey({ columns: [t.id, t.expiresAt] }),
    index('task_archive_tenant').on(t.tenant, t.id),
    index('task_archive_name').on(t.tenant, t.name, t.id),
    index('task_archive_queue').on(t.tenant, t.queue, t.id),
    index('task_archive_failures')
      .on(t.tenant, t.state, t.id)
      .where(sql`${t.state} <> 'succeeded'`),
    index('task_archive_batch')
      .on(t.batchId, t.id)
      .where(sql`${t.batchId} IS NOT NULL`),
    index('task_archive_parent')
      .on(t.parentId)
      .where(sql`${t.parentId} IS NOT NULL`),
    index('task_archive_tags')
      .using('gin', t.tags)
      .where(sql`${t.tags} <> '{}'`),
  ],
);

/**
 * What each partition of the archive holds, so that a look-up by id opens the one or two where it can be: ids grow with time.
 * Bounds only ever widen.
 */
export const archivePartition = lovage.table('archive_partition', {
  name: text('name').primaryKey(),
  fromAt: at('from_at').notNull(),
  toAt: at('to_at').notNull(),
  minId: uuid('min_id').notNull().default('ffffffff-ffff-ffff-ffff-ffffffffffff'),
  maxId: uuid('max_id').notNull().default('00000000-0000-0000-0000-000000000000'),
  tasks: bigint('tasks', { mode: 'number' }).notNull().default(0),
});

/** What the sweeper knows from one run to the next, by subject; also what it warns of. */
export const upkeep = lovage.table('upkeep', {
  subject: text('subject').primaryKey(),
  at: at('at').notNull().defaultNow(),
  detail: jsonb('detail').notNull().default({}),
});
