import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { visualizations } from '../schema/index.ts';
import { useArtefacts } from '../store/keep-artefact.ts';
import type { Visualization } from './make-preview.ts';

/** Writes the rows of previews, and that they refer to their files. */
export async function storePreviews(
  tx: NodePgDatabase,
  previews: readonly Visualization[],
  keepDays: number,
): Promise<void> {
  await tx
    .insert(visualizations)
    .values([...previews])
    .onConflictDoNothing();
  const uses = previews.flatMap(({ id, tenant, beforeKey, afterKey, sheetKey }) =>
    [...new Set([beforeKey, afterKey, sheetKey])]
      .filter((key) => key !== null && key !== undefined)
      .map((key) => ({ key, tenant, owner: `visualization/${id}`, keepDays })),
  );
  await useArtefacts(tx, uses);
}
