import { sql, type SQLWrapper } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import type { Executor } from '../db/connect.ts';
import type { AcceptedRow } from '../db/rows.ts';
import type { AnyTask, InputOf } from '../task.ts';
import type { TaskView } from '../wire.ts';
import { newTask, type EnqueueRequest } from './enqueue.ts';
import { ACCEPTED_ONCE } from '../queue/send-once.ts';
import { ACCEPTED } from '../queue/send.ts';
import { traceSend } from '../tracing/spans.ts';
import { uuidV7 } from '../uuid.ts';
import { getTask } from './get.ts';
import { viewAccepted } from './view.ts';

/** A transaction of the caller's own, on the database that Lovage runs on: a Drizzle transaction or a client of pg. */
export type Transaction = Executor | { execute(query: SQLWrapper): PromiseLike<unknown> };

export interface EnqueueInOptions extends Omit<
  EnqueueRequest,
  'name' | 'input' | 'idempotencyKey' | 'callback'
> {
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
  const [row] = await traceSend(task, (trace) =>
    task.dedupe
      ? run(tx, ADD_ONCE, JSON.stringify({ ...task, trace, id: task.id ?? uuidV7() }))
      : run(tx, ADD, JSON.stringify([{ ...task, trace }])),
  );
  if (!row) throw new Error(`task "${definition.name}" was accepted but no row came back`);
  if (row.outcome === 'deduplicated') {
    const shown = await getTask({ db: databaseOf(tx) }, { tenant }, row.id, []);
    return { ...shown, deduplicated: true };
  }
  // Drizzle leaves times as Postgres writes them.
  const accepted = { ...row, created_at: new Date(row.created_at), due_at: new Date(row.due_at) };
  return viewAccepted(accepted, accepted.due_at > accepted.created_at);
}

type Answer = AcceptedRow & { outcome?: 'added' | 'deduplicated' };

// The notification is part of the transaction: Postgres sends it with the commit, once per queue.
const ADD = [
  `SELECT ${ACCEPTED}, pg_notify('lovage_ready', queue) FROM lovage.add_tasks(lovage.with_result_ttl(`,
  '::jsonb))',
] as const;
const ADD_ONCE = [
  `SELECT a.outcome, ${ACCEPTED_ONCE}, CASE a.outcome WHEN 'added' THEN pg_notify('lovage_ready', (a.answer).queue) END
   FROM lovage.add_task_once(lovage.with_result_ttl(jsonb_build_array(`,
  '::jsonb)) -> 0, NULL) a',
] as const;

async function run(
  tx: Transaction,
  [before, after]: typeof ADD | typeof ADD_ONCE,
  task: string,
): Promise<Answer[]> {
  const answer =
    'execute' in tx
      ? await tx.execute(sql`${sql.raw(before)}${task}${sql.raw(after)}`)
      : await tx.query(`${before}$1${after}`, [task]);
  // Some of Drizzle's drivers answer with the rows themselves.
  return (Array.isArray(answer) ? answer : (answer as { rows: unknown[] }).rows) as Answer[];
}

/** Whatever its driver, a transaction of Drizzle's builds the same queries. */
const databaseOf = (tx: Transaction): NodePgDatabase =>
  'execute' in tx ? (tx as NodePgDatabase) : drizzle(tx as pg.PoolClient);
