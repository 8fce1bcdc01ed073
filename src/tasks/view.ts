import { eq, sql, type SQL } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { alias } from 'drizzle-orm/pg-core';
import { task as hotTask, taskProgress, taskResult } from '../db/schema/task.ts';
import type { AcceptedRow } from '../db/rows.ts';
import type { TaskState, TaskView } from '../wire.ts';
import type { Place } from './places.ts';

export type Include = 'input' | 'result';

/** A task's columns, wherever it is kept: see places.ts. */
export const task = alias(hotTask, 't');

const isReadable = sql<boolean>`${taskResult.expiresAt} > now()`;

/** `scheduled` is computed: a queued task whose due time lies ahead. */
export const shownState = sql<TaskState>`CASE WHEN ${task.state} = 'queued' AND ${task.dueAt} > now()
  THEN 'scheduled' ELSE ${task.state}::text END`;

const columns = {
  id: task.id,
  name: task.name,
  queue: task.queue,
  state: shownState,
  priority: task.priority,
  attempt: task.attempt,
  maxAttempts: task.maxAttempts,
  crashes: task.crashes,
  softLimitMs: task.softLimitMs,
  hardLimitMs: task.hardLimitMs,
  concurrencyKey: task.concurrencyKey,
  error: task.error,
  tags: task.tags,
  batchId: task.batchId,
  parentId: task.parentId,
  parentStep: task.parentStep,
  createdBy: task.createdBy,
  createdAt: task.createdAt,
  dueAt: task.dueAt,
  startedAt: task.startedAt,
  finishedAt: task.finishedAt,
  cancelRequestedAt: task.cancelRequestedAt,
  cancelRequestedBy: task.cancelRequestedBy,
  cancelReason: task.cancelReason,
  cancelOutcome: sql<TaskView['cancelOutcome']>`${task.cancelOutcome}`,
  // An earlier attempt's does not count.
  overdueAt: sql<Date | null>`CASE WHEN ${task.state} = 'running' AND ${task.overdueAt} >= ${task.startedAt}
    THEN ${task.overdueAt} END`.mapWith(task.overdueAt),
  resultExpiresAt: sql<Date | null>`CASE WHEN ${task.state} = 'succeeded'
    THEN ${task.finishedAt} + ${task.resultTtlMs} * interval '1 ms' END`.mapWith(task.finishedAt),
  // Of an archived one beside its row.
  progress: sql<TaskView['progress']>`CASE WHEN ${taskProgress.taskId} IS NOT NULL
    THEN jsonb_build_object('current', ${taskProgress.current}, 'total', ${taskProgress.total}, 'message', ${taskProgress.message})
    ELSE t.progress - '{attempt,updated_at}'::text[] END`,
};

/** Tasks as callers see them, out of a place in places.ts; input and result only where asked for. */
export function selectTasks(db: NodePgDatabase, include: readonly Include[], from: Place) {
  return db
    .select({
      ...columns,
      input: include.includes('input') ? task.input : sql<unknown>`NULL`,
      result: include.includes('result')
        ? sql<unknown>`CASE WHEN ${isReadable} THEN ${taskResult.output} END`
        : sql<unknown>`NULL`,
    })
    .from(from)
    .leftJoin(taskProgress, eq(taskProgress.taskId, task.id))
    .leftJoin(taskResult, eq(taskResult.taskId, task.id));
}

export type SelectedTask = Awaited<ReturnType<typeof selectTasks>>[number];

export function viewTask(row: SelectedTask, include: readonly Include[]): TaskView {
  const { progress, input, result, error, ...rest } = row;
  return {
    ...rest,
    progress: progress && {
      current: progress.current,
      total: progress.total ?? null,
      message: progress.message ?? null,
    },
    ...(include.includes('input') ? { input: input ?? null } : {}),
    ...(include.includes('result') ? { result: result ?? null } : {}),
    error: viewError(error as Record<string, unknown> | null),
    createdAt: rest.createdAt.toISOString(),
    dueAt: rest.dueAt.toISOString(),
    startedAt: isoOrNull(rest.startedAt),
    finishedAt: isoOrNull(rest.finishedAt),
    cancelRequestedAt: isoOrNull(rest.cancelRequestedAt),
    overdueAt: isoOrNull(rest.overdueAt),
    resultExpiresAt: isoOrNull(rest.resultExpiresAt),
    ...links(rest.id),
  };
}

/** A task that was accepted this moment: nothing has happened to it yet. */
export function viewAccepted(row: AcceptedRow, isScheduled: boolean): TaskView {
  return {
    id: row.id,
    name: row.name,
    queue: row.queue,
    state: isScheduled ? 'scheduled' : (row.state as TaskState),
    priority: row.priority,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    crashes: 0,
    softLimitMs: row.soft_limit_ms,
    hardLimitMs: row.hard_limit_ms,
    concurrencyKey: row.concurrency_key,
    progress: null,
    error: null,
    tags: row.tags,
    batchId: row.batch_id,
    parentId: row.parent_id,
    parentStep: row.parent_step,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    dueAt: row.due_at.toISOString(),
    startedAt: null,
    finishedAt: null,
    cancelRequestedAt: null,
    cancelRequestedBy: null,
    cancelReason: null,
    cancelOutcome: null,
    overdueAt: null,
    resultExpiresAt: null,
    ...links(row.id),
  };
}

/** Stacks stay in the tables, for operators; callers get what happened, not where in the code. */
export function viewError(error: Record<string, unknown> | null): TaskView['error'] {
  if (error === null) return null;
  const { stack: _stack, ...shown } = error;
  if (shown['cause'] && typeof shown['cause'] === 'object') {
    shown['cause'] = viewError(shown['cause'] as Record<string, unknown>);
  }
  return shown as TaskView['error'];
}

function links(id: string): Pick<TaskView, 'statusUrl' | 'eventsUrl'> {
  return { statusUrl: `/v1/tasks/${id}`, eventsUrl: `/v1/tasks/${id}/events` };
}

const isoOrNull = (date: Date | null): string | null => date?.toISOString() ?? null;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** A malformed id names no task, and would be an error to Postgres. */
export const isTaskId = (id: string): boolean => UUID.test(id);

export const ofTenant = (tenant: string): SQL => sql`${task.tenant} = ${tenant}`;
