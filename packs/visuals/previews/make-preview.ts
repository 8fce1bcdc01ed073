import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { embedImage } from '../images/embed.ts';
import type { Painter } from '../painter/painter.ts';
import { writePrompt } from '../painter/write-prompt.ts';
import type { Procedure } from '../procedures/find.ts';
import type { visualizations } from '../schema/index.ts';
import type { ArtefactStore } from '../store/artefact-store.ts';
import { keepArtefact } from '../store/keep-artefact.ts';
import { deriveId } from './derive-id.ts';
import type { Subject } from './load-subject.ts';

export type Visualization = typeof visualizations.$inferInsert & { generatedAt: Date };

export interface Studio {
  db: NodePgDatabase;
  store: ArtefactStore;
  painter: Painter;
  tenant: string;
  taskId: string;
  signal: AbortSignal;
}

/** Paints one procedure and keeps its files; the row is the caller's to write, with its success. */
export async function makePreview(
  studio: Studio,
  subject: Subject,
  procedure: Procedure,
): Promise<Visualization> {
  const { db, store, painter, tenant, taskId, signal } = studio;
  const prompt = writePrompt(procedure);
  const painting = await painter.paint({ photo: subject.photo, procedure, prompt, signal });
  signal.throwIfAborted();
  const afterKey = await keepArtefact(db, store, painting.after);
  const sheetKey =
    painting.sheet && (await keepArtefact(db, store, { bytes: painting.sheet, contentType: 'image/jpeg' }));
  return {
    id: deriveId(taskId, `visualization/${procedure.id}`),
    tenant,
    taskId,
    imageId: subject.image.id,
    patientId: subject.patientId,
    procedureId: procedure.id,
    procedureName: procedure.name,
    beforeKey: subject.image.fileKey,
    afterKey,
    sheetKey: sheetKey ?? null,
    promptUsed: prompt,
    confidenceScore: painting.confidence,
    metadata: {
      model: painting.model,
      ...painting.details,
      embedding: await embedImage(painting.after.bytes),
    },
    generatedAt: new Date(),
  };
}
