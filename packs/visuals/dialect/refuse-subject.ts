import type { DialectReply, DialectRequest } from 'lovage';
import { findProcedures } from '../procedures/find.ts';
import { findOwned } from '../rows/find-owned.ts';
import { images, patientProfiles } from '../schema/index.ts';
import { refuse, refuseMissing } from './errors.ts';

interface Asked {
  imageId: string;
  procedureIds: readonly string[];
  patientId: string | null | undefined;
}

/** What is missing or somebody else's is said at once, before there is a task. */
export async function refuseSubject(
  { db, tenant }: DialectRequest,
  { imageId, procedureIds, patientId }: Asked,
): Promise<DialectReply | null> {
  const image = await findOwned(db, images, { id: imageId, tenant });
  if ('missing' in image) return refuseMissing('Image', image.missing);
  const known = await findProcedures(db, procedureIds);
  const unknown = procedureIds.find((id) => !known.some((procedure) => procedure.id === id));
  if (unknown !== undefined) return refuse(404, `Procedure ${unknown} not found`);
  if (patientId === null || patientId === undefined) return null;
  const patient = await findOwned(db, patientProfiles, { id: patientId, tenant });
  return 'missing' in patient ? refuseMissing('Patient', patient.missing) : null;
}
