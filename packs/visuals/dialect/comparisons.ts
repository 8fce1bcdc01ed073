import { resource, submits, type DialectRoute } from 'lovage';
import { z } from 'zod';
import { generateComparison, procedureIds } from '../previews/generate-comparison.ts';
import { id } from '../previews/generate-visualization.ts';
import { renderComparison } from '../previews/render.ts';
import { findOwned } from '../rows/find-owned.ts';
import { comparisons } from '../schema/index.ts';
import { renderAccepted, sync } from './accepted.ts';
import { refuseMissing, renderFailure } from './errors.ts';
import { signLinks } from './links.ts';
import { refuseSubject } from './refuse-subject.ts';

const comparisonBody = z.object({
  source_image_id: id,
  procedure_ids: procedureIds,
  patient_id: id.nullish(),
});

export const comparisonRoutes: readonly DialectRoute[] = [
  submits({
    method: 'post',
    path: '/api/visualizations/compare',
    summary: 'Compare procedures on a photo',
    kind: 'submit',
    task: generateComparison,
    sync,
    body: comparisonBody,
    input: (body) => {
      const { source_image_id, ...rest } = body as z.output<typeof comparisonBody>;
      return { image_id: source_image_id, ...rest };
    },
    refuse: ({ image_id, procedure_ids, patient_id }, request) =>
      refuseSubject(request, { imageId: image_id, procedureIds: procedure_ids, patientId: patient_id }),
    accepted: renderAccepted('Comparison'),
    finished: (view) =>
      view.task.result === null
        ? renderFailure(view)
        : { status: 200, body: signLinks(view, view.task.result) },
  }),
  resource({
    method: 'get',
    path: '/api/visualizations/comparisons/{id}',
    aliases: ['/api/comparisons/{id}'],
    summary: 'A comparison',
    kind: 'resource',
    async reply(request) {
      const { db, tenant, params } = request;
      const found = await findOwned(db, comparisons, { id: params['id'] ?? '', tenant });
      if ('missing' in found) return refuseMissing('Comparison', found.missing);
      const comparison = signLinks(request, renderComparison(found.row));
      return { status: 200, body: { ...comparison, comparison } };
    },
  }),
];
