import { insertAuditRows } from '../db/audit-rows.ts';
import type { Executor } from '../db/connect.ts';
import type { AcceptedRow } from '../db/rows.ts';
import { explainHeldKey } from './held-key.ts';

/** A task to accept; its policy is a snapshot of the definition's. */
export interface NewTask {
  /** A UUID v7; default: Postgres makes one. */
  id?: string | undefined;
  tenant: string;
  name: string;
  queue: string;
  priority: number;
  maxAttempts: number;
  /** Default 24 h. */
  resultTtlMs?: number | undefined;
  softLimitMs?: number;
  hardLimitMs?: number;
  concurrencyKey?: string | null;
  input: unknown;
  tags: readonly string[];
  createdBy: string;
  delayMs?: number | undefined;
  dueAt?: string | undefined;
  batchId?: string | undefined;
  /** The task whose handler makes this one, and under which step: a child is unique by both. */
  parentId?: string | undefined;
  parentStep?: string | undefined;
  /** No other live task of its tenant and name has this key; `withinMs`: nor one that was accepted so short a time ago. */
  dedupe?: { key: string; withinMs?: number | undefined } | undefined;
  /** Of the call that makes it: W3C traceparent and, after a blank, tracestate. */
  trace?: string | undefined;
  requestId?: string | undefined;
  /** Where to tell of its end; needs an `id`. The secret is encrypted, in base64. */
  callback?: { url: string; secret?: string | undefined } | undefined;
}

/** The columns of an AcceptedRow. */
export const ACCEPTED =
  'id, name, queue, state, priority, attempt, max_attempts, soft_limit_ms, hard_limit_ms, concurrency_key, tags, created_by, created_at, due_at, batch_id, parent_id, parent_step';

/**
 * Accepts tasks in one statement: all of them with their jobs and first events, or none.
 * @throws conflict where one has a dedupe key that another task holds.
 */
export async function sendTasks(executor: Executor, tasks: readonly NewTask[]): Promise<AcceptedRow[]> {
  const json = JSON.stringify(tasks);
  if (!tasks.some(({ dedupe }) => dedupe)) return sendJson(executor, json);
  try {
    const text = `SELECT ${ACCEPTED} FROM lovage.add_unique_tasks($1)`;
    return (await executor.query<AcceptedRow>(text, [json])).rows;
  } catch (error) {
    throw explainHeldKey(error);
  }
}

const ADD = { name: 'lovage_add_tasks', text: `SELECT ${ACCEPTED} FROM lovage.add_tasks($1)` };
const ADD_NOTED = {
  name: 'lovage_add_noted_tasks',
  text: `WITH noted AS (${insertAuditRows('$2')}) ${ADD.text}`,
};

/**
 * Accepts tasks that are a text already, and of which none has a dedupe key; with `notes`, lines of the audit log as a text,
 * in the same commit.
 */
export async function sendJson(executor: Executor, tasks: string, notes?: string): Promise<AcceptedRow[]> {
  const statement =
    notes === undefined ? { ...ADD, values: [tasks] } : { ...ADD_NOTED, values: [tasks, notes] };
  return (await executor.query<AcceptedRow>(statement)).rows;
}
