import { sql, type SQLWrapper } from 'drizzle-orm';
import type { Executor } from '../db/connect.ts';
import type { AcceptedRow } from '../db/rows.ts';
import type { AnyTask, InputOf } from '../task.ts';
import type { TaskView } from '../wire.ts';
import { newTask, type EnqueueRequest } from './enqueue.ts';
import { viewAccepted } from './view.ts';

/** A transaction of the caller's own, on the database that Lovage runs on: a Drizzle transaction or a client of pg. */
export type Transaction = Executor | { execute(query: SQLWrapper): PromiseLike<unknown> };

export interface EnqueueInOptions extends Omit<EnqueueRequest, 'name' | 'input' | 'callback'> {
  /** What the history shows as its origin. Default `app`. */
  createdBy?: string;
  /** Default `default`: what keys without a tenant of their own see. */
  tenant?: string;
}

/**
 * Accepts a task in the caller's transaction: it is there, and workers are told, when that commits, and never was when it
 * rolls back.
 * @throws LovageError `validation` with a pointer per fault, before anything is sent to Postgres.
 */
export async function enqueue<Definition extends AnyTask>(
  tx: Transaction,
  definition: Definition,
  input: InputOf<Definition>,
  { createdBy = 'app', tenant = 'default', ...options }: EnqueueInOptions = {},
): Promise<TaskView> {
  const task = await newTask(definition, { actor: createdBy, tenant }, { ...options, input });
  const [row] = await add(tx, JSON.stringify([task]));
  if (!row) throw new Error(`task "${definition.name}" was accepted but no row came back`);
  // Drizzle leaves times as Postgres writes them.
  const accepted = { ...row, created_at: new Date(row.created_at), due_at: new Date(row.due_at) };
  return viewAccepted(accepted, accepted.due_at > accepted.created_at);
}

// The notification is part of the transaction: Postgres sends it with the commit, once per queue.
const ADD = [
  `SELECT t.id, t.name, t.queue, t.state, t.priority, t.attempt, t.max_attempts, t.soft_limit_ms,
          t.hard_limit_ms, t.concurrency_key, t.tags, t.created_by, t.created_at, t.due_at, t.batch_id, t.parent_id, t.parent_step,
          pg_notify('lovage_ready', t.queue)
   FROM lovage.add_tasks(`,
  '::jsonb) t',
] as const;

async function add(tx: Transaction, tasks: string): Promise<AcceptedRow[]> {
  const answer =
    'execute' in tx
      ? await tx.execute(sql`${sql.raw(ADD[0])}${tasks}${sql.raw(ADD[1])}`)
      : await tx.query(`${ADD[0]}$1${ADD[1]}`, [tasks]);
  // Some of Drizzle's drivers answer with the rows themselves.
  return (Array.isArray(answer) ? answer : (answer as { rows: unknown[] }).rows) as AcceptedRow[];
}
