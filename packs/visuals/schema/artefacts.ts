import { index, integer, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import { packVisuals } from './pack-schema.ts';

/** A file of the store. Its row is written before the file, and goes in one transaction with it. */
export const artefacts = packVisuals.table('artefacts', {
  /** SHA-256 of the bytes, and the extension of their type. */
  key: text('key').primaryKey(),
  bytes: integer('bytes').notNull(),
  /** When it was last written, or written again with the same bytes. */
  putAt: timestamp('put_at', { withTimezone: true }).notNull().defaultNow(),
});

/** What refers to a file, for whom, and until when; a file without any is swept. */
export const artefactUses = packVisuals.table(
  'artefact_uses',
  {
    key: text('key')
      .notNull()
      .references(() => artefacts.key),
    tenant: text('tenant').notNull(),
    /** `image/ID`, `visualization/ID`, `export/ID` … */
    owner: text('owner').notNull(),
    expiresAt: timestamp('expires_at', { withTimezone: true }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.key, t.owner] }), index('artefact_uses_expiry').on(t.expiresAt)],
);
