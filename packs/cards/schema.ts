import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  customType,
  index,
  jsonb,
  pgSchema,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import type { NoteFields } from './note/fields.ts';

export const packCards = pgSchema('pack_cards');

const bytea = customType<{ data: Uint8Array; driverData: Buffer }>({ dataType: () => 'bytea' });

/** One row for each note that was ever asked for, whether it is in the collection yet or not: the checkpoint of its task. */
export const ankiNotes = packCards.table(
  'anki_notes',
  {
    tenant: text('tenant').notNull(),
    /** Hash of the word and its example: the same note has the same one, whoever sends it again. */
    guid: text('guid').notNull(),
    /** Anki's ids: null until the note has been added. */
    id: bigint('id', { mode: 'number' }),
    cardId: bigint('card_id', { mode: 'number' }),
    fields: jsonb('fields').$type<NoteFields>().notNull(),
    /** Hashes of the recordings that its fields name. */
    media: text('media')
      .array()
      .notNull()
      .default(sql`'{}'`),
    warnings: text('warnings')
      .array()
      .notNull()
      .default(sql`'{}'`),
    /** The task that works on it or did last, and how many of its five steps are done. */
    taskId: uuid('task_id').notNull(),
    step: smallint('step').notNull().default(0),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    syncedAt: timestamp('synced_at', { withTimezone: true }),
  },
  (t) => [
    primaryKey({ columns: [t.tenant, t.guid] }),
    unique('anki_notes_id').on(t.tenant, t.id),
    check('anki_notes_ids', sql`(${t.id} IS NULL) = (${t.cardId} IS NULL)`),
    check('anki_notes_step', sql`${t.step} BETWEEN 0 AND 5 AND (${t.step} < 4 OR ${t.id} IS NOT NULL)`),
    index('anki_notes_unfinished')
      .on(t.tenant, t.createdAt)
      .where(sql`${t.id} IS NULL`),
  ],
);

/** Recordings, by what is in them. */
export const ankiMedia = packCards.table(
  'anki_media',
  {
    tenant: text('tenant').notNull(),
    hash: text('hash').notNull(),
    name: text('name').notNull(),
    mime: text('mime').notNull(),
    bytes: bytea('bytes').notNull(),
  },
  (t) => [primaryKey({ columns: [t.tenant, t.hash] })],
);
