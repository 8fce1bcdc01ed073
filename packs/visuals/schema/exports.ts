import { boolean, index, integer, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { packVisuals } from './pack-schema.ts';
import { patientProfiles } from './patients.ts';

export const EXPORT_FORMATS = ['pdf', 'png', 'jpeg', 'json'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** A report that was made; its id is its task's. The file goes when its time is over, the row stays. */
export const exports = packVisuals.table(
  'exports',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    patientId: uuid('patient_id')
      .notNull()
      .references(() => patientProfiles.id),
    format: text('format').$type<ExportFormat>().notNull(),
    shareable: boolean('shareable').notNull(),
    fileKey: text('file_key').notNull(),
    sizeBytes: integer('size_bytes').notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  },
  (t) => [index('exports_of_patient').on(t.patientId, t.createdAt)],
);
