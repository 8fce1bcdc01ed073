import { Discard, type RunContext } from 'lovage';
import { images, patientProfiles } from '../schema/index.ts';
import { findProcedures, type Procedure } from '../procedures/find.ts';
import { findOwned } from '../rows/find-owned.ts';
import type { ArtefactStore } from '../store/artefact-store.ts';

export interface Subject {
  image: typeof images.$inferSelect;
  photo: Buffer;
  patientId: string | null;
  procedures: Procedure[];
}

interface Asked {
  imageId: string;
  procedureIds: readonly string[];
  patientId: string | null;
}

/** All that a preview is made of. @throws Discard `ImageNotFound`, `ProcedureNotFound` or `PatientNotFound`. */
export async function loadSubject(
  { db, tenant }: Pick<RunContext<unknown>, 'db' | 'tenant'>,
  store: ArtefactStore,
  { imageId, procedureIds, patientId }: Asked,
): Promise<Subject> {
  const image = await findOwned(db, images, { id: imageId, tenant });
  if ('missing' in image) throw new Discard(`Image ${imageId} not found`, { code: 'ImageNotFound' });
  const procedures = await findProcedures(db, procedureIds);
  const missing = procedureIds.find((id) => !procedures.some((procedure) => procedure.id === id));
  if (missing !== undefined) {
    throw new Discard(`Procedure ${missing} not found`, { code: 'ProcedureNotFound' });
  }
  if (patientId !== null && 'missing' in (await findOwned(db, patientProfiles, { id: patientId, tenant }))) {
    throw new Discard(`Patient ${patientId} not found`, { code: 'PatientNotFound' });
  }
  const file = await store.get(image.row.fileKey);
  if (file === undefined) {
    throw new Discard(`Image ${imageId} is no longer kept`, { code: 'ImageNotFound' });
  }
  return { image: image.row, photo: file.bytes, patientId, procedures };
}
