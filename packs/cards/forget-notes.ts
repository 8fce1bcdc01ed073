import { sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';

/**
 * Drops notes that were never added, with the recordings that only they have: that of a task which has failed for good, and what
 * is a day old, since no task works on that any more.
 */
export async function forgetNotes(
  db: NodePgDatabase,
  { tenant, taskId = null }: { tenant: string; taskId?: string | null },
): Promise<void> {
  await db.execute(sql`
    WITH gone AS (
      DELETE FROM pack_cards.anki_notes
      WHERE tenant = ${tenant} AND id IS NULL
        AND (task_id = ${taskId}::uuid OR created_at < now() - interval '1 day')
      RETURNING guid, media
    )
    DELETE FROM pack_cards.anki_media m USING gone
    WHERE m.tenant = ${tenant} AND m.hash = ANY (gone.media)
      AND NOT EXISTS (
        SELECT FROM pack_cards.anki_notes n
        WHERE n.tenant = ${tenant} AND m.hash = ANY (n.media) AND n.guid NOT IN (SELECT guid FROM gone)
      )`);
}
