import { insertAuditRows } from '../db/audit-rows.ts';
import type { Executor } from '../db/connect.ts';
import type { AcceptedRow } from '../db/rows.ts';
import { ACCEPTED, type NewTask } from './send.ts';

/** A caller's key for one request, and what that request was. */
export interface IdempotencyKey {
  actor: string;
  key: string;
  /** SHA-256 of the request, in hex. */
  fingerprint: string;
  ttlMs: number;
}

export type SentOnce =
  | { outcome: 'added'; row: AcceptedRow }
  /** The task that the request stands for; null where it was removed since. */
  | { outcome: 'replayed' | 'deduplicated'; id: string | null }
  /** The key came with another request before. */
  | { outcome: 'reused' };

/** The columns of what `lovage.add_task_once()` answers with, as `a`. */
export const ACCEPTED_ONCE = ACCEPTED.replaceAll(/\w+/g, '(a.answer).$&');

const ADD_ONCE = {
  name: 'lovage_add_task_once',
  text: `SELECT a.outcome, ${ACCEPTED_ONCE} FROM lovage.add_task_once($1, $2) a`,
};
const ADD_LARGE = {
  name: 'lovage_add_large_task',
  text: `SELECT a.outcome, ${ACCEPTED_ONCE} FROM lovage.add_large_task($1, $2, $3) a`,
};
const ADD_LARGE_NOTED = {
  name: 'lovage_add_noted_large_task',
  text: `WITH noted AS (${insertAuditRows('$4')}) ${ADD_LARGE.text}`,
};

/** Accepts a task unless one stands for it already, in one statement. Of twins at once the later ones wait for the first. */
export async function sendOnce(
  executor: Executor,
  {
    task,
    key,
    inputText,
  }: { task: NewTask & { id: string }; key?: IdempotencyKey | null; inputText?: Uint8Array | undefined },
): Promise<SentOnce> {
  const once = JSON.stringify(key ?? null);
  const { rows } = await executor.query<Answer>(
    inputText
      ? { ...ADD_LARGE, values: [withoutInput(task), once, inputText] }
      : { ...ADD_ONCE, values: [JSON.stringify(task), once] },
  );
  const [answer] = rows;
  if (!answer) throw new Error(`nothing was said about task ${task.id}`);
  const { outcome, ...row } = answer;
  if (outcome === 'added') return { outcome, row };
  return outcome === 'reused' ? { outcome } : { outcome, id: answer.id };
}

/** Accepts a task that is a text already, with its input apart; with `notes` as in sendJson(). */
export async function sendLarge(
  executor: Executor,
  { task, inputText, notes }: { task: string; inputText: Uint8Array; notes?: string | undefined },
): Promise<AcceptedRow[]> {
  const values = [task, null, inputText];
  const statement =
    notes === undefined ? { ...ADD_LARGE, values } : { ...ADD_LARGE_NOTED, values: [...values, notes] };
  return (await executor.query<Answer>(statement)).rows;
}

export const withoutInput = (task: NewTask): string => JSON.stringify({ ...task, input: undefined });

type Answer = AcceptedRow & { outcome: SentOnce['outcome'] };
