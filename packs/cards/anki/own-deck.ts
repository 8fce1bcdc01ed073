import { sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Collection, NoteIds } from './collection.ts';

/** Anki numbers a note's clozes up to 500, and each is a card with an id of its own. */
const IDS_EACH = 501;

/**
 * The deck in Postgres, to be fetched as a file. There is nobody to sync with and nothing to prepare: a note is in it as soon as
 * its row has ids, which are milliseconds as Anki's own are.
 */
export const ownDeck = ({ db, tenant }: { db: NodePgDatabase; tenant: string }): Collection => ({
  pull: async () => undefined,
  prepare: async () => undefined,
  push: async () => undefined,
  add: ({ guid }) =>
    db.transaction(async (tx) => {
      // Two notes of one millisecond would get the same ids.
      await tx.execute(sql`SELECT pg_advisory_xact_lock(hashtext('pack_cards.anki_notes'))`);
      const { rows } = await tx.execute<{ id: string; card_id: string }>(sql`
        UPDATE pack_cards.anki_notes AS n
        SET id = coalesce(n.id, next.id), card_id = coalesce(n.card_id, next.id + 1)
        FROM (SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000)::bigint, max(m.id) + ${IDS_EACH}) AS id
              FROM pack_cards.anki_notes m WHERE m.tenant = ${tenant}) AS next
        WHERE n.tenant = ${tenant} AND n.guid = ${guid}
        RETURNING n.id, n.card_id`);
      return idsOf(rows[0], guid);
    }),
});

function idsOf(row: { id: string; card_id: string } | undefined, guid: string): NoteIds {
  if (row === undefined) throw new Error(`note ${guid} has gone while it was being added`);
  return { noteId: Number(row.id), cardId: Number(row.card_id) };
}
