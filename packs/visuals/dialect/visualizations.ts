import { resource, submits, type DialectReply, type DialectRoute } from 'lovage';
import { generateVisualization } from '../previews/generate-visualization.ts';
import { renderVisualization } from '../previews/render.ts';
import { findOwned } from '../rows/find-owned.ts';
import { visualizations } from '../schema/index.ts';
import { renderAccepted, sync } from './accepted.ts';
import { refuseMissing, renderFailure } from './errors.ts';
import { signLinks } from './links.ts';
import { refuseSubject } from './refuse-subject.ts';

type Visualization = ReturnType<typeof renderVisualization>;

/** Some clients read the fields flat, others below `visualization`. */
const renderCompleted = (visualization: Visualization): DialectReply => ({
  status: 200,
  body: { ...visualization, status: 'completed', visualization },
});

export const visualizationRoutes: readonly DialectRoute[] = [
  submits({
    method: 'post',
    path: '/api/visualizations',
    summary: 'Preview a procedure on a photo',
    kind: 'submit',
    task: generateVisualization,
    sync,
    refuse: ({ image_id, procedure_id, patient_id }, request) =>
      refuseSubject(request, { imageId: image_id, procedureIds: [procedure_id], patientId: patient_id }),
    accepted: renderAccepted('Preview'),
    finished: (view) =>
      view.task.result === null ? renderFailure(view) : renderCompleted(signLinks(view, view.task.result)),
  }),
  resource({
    method: 'get',
    path: '/api/visualizations/{id}',
    summary: 'A preview',
    kind: 'resource',
    async reply(request) {
      const { db, tenant, params } = request;
      const found = await findOwned(db, visualizations, { id: params['id'] ?? '', tenant });
      if ('missing' in found) return refuseMissing('Visualization', found.missing);
      return renderCompleted(signLinks(request, renderVisualization(found.row)));
    },
  }),
];
