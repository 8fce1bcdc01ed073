import { index, integer, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { packVisuals } from './pack-schema.ts';

/** A photo as it was stored: upright, without EXIF. */
export const images = packVisuals.table(
  'images',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    /** Where the store keeps it. */
    fileKey: text('file_key').notNull(),
    format: text('format').$type<'JPEG' | 'PNG' | 'WEBP'>().notNull(),
    width: integer('width').notNull(),
    height: integer('height').notNull(),
    sizeBytes: integer('size_bytes').notNull(),
    uploadedAt: timestamp('uploaded_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [index('images_of_tenant').on(t.tenant, t.uploadedAt)],
);
