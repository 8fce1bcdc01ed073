import { randomUUID } from 'node:crypto';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { images } from '../schema/index.ts';
import type { ArtefactStore } from '../store/artefact-store.ts';
import { keepArtefact, useArtefacts } from '../store/keep-artefact.ts';
import type { Photo } from './read-photo.ts';

export interface ImageOwner {
  tenant: string;
  keepDays: number;
}

/** Keeps a photo: first its file, then in one transaction its row and what refers to the file. */
export async function storeImage(
  db: NodePgDatabase,
  store: ArtefactStore,
  { tenant, keepDays }: ImageOwner,
  photo: Photo,
): Promise<typeof images.$inferSelect> {
  const key = await keepArtefact(db, store, photo);
  return db.transaction(async (tx) => {
    const [row] = await tx
      .insert(images)
      .values({
        id: randomUUID(),
        tenant,
        fileKey: key,
        format: photo.format,
        width: photo.width,
        height: photo.height,
        sizeBytes: photo.bytes.length,
      })
      .returning();
    if (row === undefined) throw new Error('The image was not stored');
    await useArtefacts(tx, [{ key, tenant, owner: `image/${row.id}`, keepDays }]);
    return row;
  });
}
