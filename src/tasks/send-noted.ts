import pg from 'pg';
import type { AuditRow } from '../db/audit-rows.ts';
import { isPassing, isTableMissing } from '../db/failures.ts';
import type { AcceptedRow } from '../db/rows.ts';
import type { NewTask } from '../queue/send.ts';
import type { Sender } from '../queue/sender.ts';

/** A line of the audit log for the commit of a task, and what to call once it stands there. */
export interface Note {
  row: AuditRow;
  settle: () => void;
}

/** The task comes before its note: where Postgres refuses both together, it is asked for the task alone. */
export async function sendNoted(
  sender: Sender,
  task: NewTask,
  { inputText, note }: { inputText: Uint8Array | undefined; note: Note | undefined },
): Promise<AcceptedRow> {
  if (!note) return sender.send(task, inputText);
  try {
    const row = await sender.send(task, inputText, note.row);
    note.settle();
    return row;
  } catch (error) {
    if (!isRolledBack(error)) throw error;
    return sender.send(task, inputText);
  }
}

/** For what is in it, or because the table of the audit log is away. */
const isRolledBack = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && (!isPassing(error) || isTableMissing(error));
