import { defineTask } from 'lovage';
import { z } from 'zod';
import { readEnvironment } from '../environment.ts';
import { choosePainter } from '../painter/choose.ts';
import { comparisons } from '../schema/index.ts';
import { openStore } from '../store/open.ts';
import { describeProcedure, findDifferences } from './compare.ts';
import { deriveId } from './derive-id.ts';
import { id } from './generate-visualization.ts';
import { loadSubject, type Subject } from './load-subject.ts';
import { makePreview, type Studio, type Visualization } from './make-preview.ts';
import { policy } from './policy.ts';
import { comparisonOutput, renderComparison } from './render.ts';
import { storePreviews } from './store-previews.ts';

export const procedureIds = z
  .array(id)
  .min(2)
  .max(12)
  .refine((ids) => new Set(ids).size === ids.length, 'must all differ');

/** Two or more procedures on one photo, with what they differ in. */
export const generateComparison = defineTask({
  name: 'visuals.generateComparison',
  queue: 'visualizations',
  input: z.object({ image_id: id, procedure_ids: procedureIds, patient_id: id.nullish() }),
  output: comparisonOutput,
  ...policy,
  async run(context) {
    const { input, db, tenant, signal, progress, onSettle } = context;
    const env = readEnvironment();
    const store = openStore(env);
    progress({ current: 0, total: 100, message: 'Starting' });
    const subject = await loadSubject(context, store, {
      imageId: input.image_id,
      procedureIds: input.procedure_ids,
      patientId: input.patient_id ?? null,
    });
    const studio = { db, store, painter: choosePainter(env), tenant, taskId: context.id, signal };
    const previews = await paintAll(studio, subject, progress);
    const comparison = compareAll(studio, subject, previews);
    onSettle(async (tx) => {
      await storePreviews(tx, previews, env.VISUALS_KEEP_DAYS);
      await tx.insert(comparisons).values(comparison).onConflictDoNothing();
    });
    progress({ current: 100, total: 100, message: 'Done' });
    return renderComparison(comparison);
  },
});

const FIRST = 20;
const LAST = 80;

async function paintAll(
  studio: Studio,
  subject: Subject,
  progress: (step: { current: number; total: number; message: string }) => void,
): Promise<Visualization[]> {
  const previews: Visualization[] = [];
  for (const [at, procedure] of subject.procedures.entries()) {
    studio.signal.throwIfAborted();
    const current = Math.round(FIRST + ((LAST - FIRST) * at) / subject.procedures.length);
    progress({ current, total: 100, message: `Generating ${procedure.name}` });
    previews.push(await makePreview(studio, subject, procedure));
  }
  progress({ current: LAST, total: 100, message: 'Comparing' });
  return previews;
}

function compareAll(
  { taskId, tenant }: Studio,
  { image, patientId, procedures }: Subject,
  previews: Visualization[],
) {
  const compared = previews.flatMap((preview, at) => {
    const procedure = procedures[at];
    return procedure ? [describeProcedure(preview, procedure)] : [];
  });
  return {
    id: deriveId(taskId, 'comparison'),
    tenant,
    taskId,
    sourceImageId: image.id,
    patientId,
    procedures: compared,
    ...findDifferences(compared),
    createdAt: new Date(),
    metadata: {
      model: previews[0]?.metadata['model'],
      procedure_count: compared.length,
      procedure_ids: procedures.map((procedure) => procedure.id),
    },
  };
}
