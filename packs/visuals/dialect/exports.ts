import { resource, submits, type DialectRoute } from 'lovage';
import { findExport } from '../exports/find-export.ts';
import { generateExport } from '../exports/generate-export.ts';
import { renderExport } from '../exports/render-export.ts';
import { findOwned } from '../rows/find-owned.ts';
import { exports, patientProfiles } from '../schema/index.ts';
import { openStore } from '../store/open.ts';
import { renderAccepted, sync } from './accepted.ts';
import { refuse, refuseMissing, renderFailure } from './errors.ts';
import { signLinks } from './links.ts';

export const exportRoutes: readonly DialectRoute[] = [
  submits({
    method: 'post',
    path: '/api/exports',
    summary: 'Export what there is about a patient as PDF, PNG, JPEG or JSON',
    kind: 'submit',
    task: generateExport,
    sync,
    refuse: async ({ patient_id: id }, { db, tenant }) => {
      const patient = await findOwned(db, patientProfiles, { id, tenant });
      return 'missing' in patient ? refuseMissing('Patient', patient.missing) : null;
    },
    accepted: renderAccepted('Export'),
    finished: (view) => {
      const { result } = view.task;
      return result === null ? renderFailure(view) : { status: 200, body: signLinks(view, result) };
    },
  }),
  resource({
    method: 'get',
    path: '/api/exports/{id}',
    summary: 'An export, with a link to its file',
    kind: 'resource',
    reply: async (request) => {
      const { db, tenant, params } = request;
      const found = await findExport(db, { id: params['id'] ?? '', tenant });
      if ('missing' in found) return refuseMissing('Export', found.missing);
      return { status: 200, body: signLinks(request, renderExport(found.row)) };
    },
  }),
  resource({
    method: 'get',
    path: '/api/exports/{id}/download',
    summary: 'The file of an export',
    kind: 'resource',
    access: 'link',
    answers: { 200: { contentType: 'application/octet-stream' } },
    reply: async ({ db, tenant, params }) => {
      const found = await findOwned(db, exports, { id: params['id'] ?? '', tenant });
      if ('missing' in found) return refuseMissing('Export', found.missing);
      const { id, format, fileKey } = found.row;
      const file = await openStore().get(fileKey);
      if (!file) return refuse(404, 'The file of this export is no longer kept');
      const headers = {
        'Content-Type': file.contentType,
        'Content-Disposition': `attachment; filename="report-${id}.${format}"`,
        'Cache-Control': 'private, no-store',
        'X-Content-Type-Options': 'nosniff',
      };
      return { status: 200, body: file.bytes, headers };
    },
  }),
];
