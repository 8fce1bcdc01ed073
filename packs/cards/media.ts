import { createHash } from 'node:crypto';
import { and, asc, eq, inArray } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { ankiMedia } from './schema.ts';
import type { Recording } from './speech/voice.ts';

export type Media = typeof ankiMedia.$inferSelect;

/** A recording under the name that its content gives it: the same one is stored once, however often it is made. */
export function nameRecording({ bytes, mime, extension }: Recording): Omit<Media, 'tenant'> {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 40);
  return { hash, name: `lovage-${hash}.${extension}`, mime, bytes };
}

/** The recordings of these hashes, in the order of their names. */
export const loadMedia = (db: NodePgDatabase, tenant: string, hashes: readonly string[]): Promise<Media[]> =>
  db
    .select()
    .from(ankiMedia)
    .where(and(eq(ankiMedia.tenant, tenant), inArray(ankiMedia.hash, [...hashes])))
    .orderBy(asc(ankiMedia.name));
