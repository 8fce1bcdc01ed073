import { and, eq, lte, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { ServiceError } from '../services/service-error.ts';
import type { Note } from './note/make-note.ts';
import { ankiNotes } from './schema.ts';

export type Checkpoint = typeof ankiNotes.$inferSelect;

/**
 * How far the note is: where an attempt of this task left it. Another task begins anew, since a person may have deleted the note
 * meanwhile; what it finds it does not do again.
 */
export async function beginNote(
  db: NodePgDatabase,
  { tenant, taskId, note }: { tenant: string; taskId: string; note: Note },
): Promise<Checkpoint> {
  const { guid, fields } = note;
  const [row] = await db
    .insert(ankiNotes)
    .values({ tenant, guid, fields, taskId })
    .onConflictDoUpdate({
      target: [ankiNotes.tenant, ankiNotes.guid],
      set: {
        taskId,
        step: sql`CASE WHEN ${ankiNotes.taskId} = excluded.task_id THEN ${ankiNotes.step} ELSE 0 END`,
        fields: sql`CASE WHEN ${ankiNotes.id} IS NULL AND ${ankiNotes.taskId} <> excluded.task_id
                         THEN excluded.fields ELSE ${ankiNotes.fields} END`,
      },
    })
    .returning();
  if (!row) throw new Error(`note ${guid} could not be written down`);
  return row;
}

/** Writes down that a step is done, with what came of it. @throws ServiceError `AnkiLocked` where another task has taken the note over. */
export async function reachStep(
  db: NodePgDatabase,
  { tenant, guid, taskId }: Checkpoint,
  values: Partial<Checkpoint> & { step: number },
): Promise<Checkpoint> {
  const [row] = await db
    .update(ankiNotes)
    .set(values)
    .where(
      and(
        eq(ankiNotes.tenant, tenant),
        eq(ankiNotes.guid, guid),
        eq(ankiNotes.taskId, taskId),
        lte(ankiNotes.step, values.step),
      ),
    )
    .returning();
  if (row) return row;
  throw new ServiceError('Anki', `another task works on note ${guid}`, { code: 'AnkiLocked' });
}
