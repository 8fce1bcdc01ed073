import { defineTask } from 'lovage';
import { z } from 'zod';
import { readEnvironment } from '../environment.ts';
import { choosePainter } from '../painter/choose.ts';
import { openStore } from '../store/open.ts';
import { loadSubject } from './load-subject.ts';
import { makePreview } from './make-preview.ts';
import { policy } from './policy.ts';
import { renderVisualization, visualizationOutput } from './render.ts';
import { storePreviews } from './store-previews.ts';

export const id = z.string().min(1).max(200);

export const visualizationInput = z.object({
  image_id: id,
  procedure_id: id,
  patient_id: id.nullish(),
});

/** A preview of one procedure on an uploaded photo. */
export const generateVisualization = defineTask({
  name: 'visuals.generateVisualization',
  queue: 'visualizations',
  input: visualizationInput,
  output: visualizationOutput,
  ...policy,
  async run(context) {
    const { input, db, tenant, signal, progress, onSettle } = context;
    const env = readEnvironment();
    const store = openStore(env);
    progress({ current: 0, total: 100, message: 'Starting' });
    const subject = await loadSubject(context, store, {
      imageId: input.image_id,
      procedureIds: [input.procedure_id],
      patientId: input.patient_id ?? null,
    });
    signal.throwIfAborted();
    progress({ current: 20, total: 100, message: 'Generating the preview' });
    const studio = { db, store, painter: choosePainter(env), tenant, taskId: context.id, signal };
    const [procedure] = subject.procedures;
    if (procedure === undefined) throw new Error(`Procedure ${input.procedure_id} was not loaded`);
    const preview = await makePreview(studio, subject, procedure);
    progress({ current: 80, total: 100, message: 'Saving the preview' });
    onSettle((tx) => storePreviews(tx, [preview], env.VISUALS_KEEP_DAYS));
    progress({ current: 100, total: 100, message: 'Done' });
    return renderVisualization(preview);
  },
});
