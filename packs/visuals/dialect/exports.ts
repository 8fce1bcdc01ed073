import { resource, submits, type DialectRoute } from 'lovage';
import { findExport } from '../exports/find-export.ts';
import { findPatient } from '../exports/find-patient.ts';
import { generateExport } from '../exports/generate-export.ts';
import { exports, patientProfiles } from '../schema/index.ts';
import { contentTypeOf } from '../store/artefact-store.ts';
import { openStore } from '../store/open.ts';
import { acceptTask } from './accept-task.ts';
import { presentExport } from './present-export.ts';
import { refuseFailed, refuseMissing, refuseUnknown } from './refuse.ts';

export const exportRoutes: readonly DialectRoute[] = [
  submits({
    method: 'post',
    path: '/api/exports',
    summary: 'Export what there is about a patient as PDF, PNG, JPEG or JSON',
    kind: 'submit',
    task: generateExport,
    sync: { parameter: 'async_processing', value: 'false', byDefault: true },
    refuse: async ({ patient_id: id }, request) => {
      const patient = await findPatient(request.db, request.tenant, id);
      return patient ? null : refuseMissing(request, patientProfiles, { id, noun: 'Patient' });
    },
    accepted: (view) => acceptTask(view, 'Export started'),
    finished: (view) =>
      view.task.result ? { status: 200, body: presentExport(view, view.task.result) } : refuseFailed(view),
  }),
  resource({
    method: 'get',
    path: '/api/exports/{id}',
    summary: 'An export, with a link to its file',
    kind: 'resource',
    reply: async (request) => {
      const { id = '' } = request.params;
      const found = await findExport(request.db, request.tenant, id);
      if (!found) return refuseMissing(request, exports, { id, noun: 'Export' });
      const { patientId, patientName, format, shareable, createdAt, sizeBytes } = found;
      const made = { id: found.id, patient_id: patientId, patient_name: patientName, format, shareable };
      const about = { created_at: createdAt.toISOString(), size_bytes: sizeBytes };
      return { status: 200, body: presentExport(request, { ...made, ...about }) };
    },
  }),
  resource({
    method: 'get',
    path: '/api/exports/{id}/download',
    summary: 'The file of an export',
    kind: 'resource',
    access: 'link',
    answers: { 200: { contentType: 'application/octet-stream' } },
    reply: async (request) => {
      const { id = '' } = request.params;
      const found = await findExport(request.db, request.tenant, id);
      if (!found) return refuseMissing(request, exports, { id, noun: 'Export' });
      const file = await openStore().get(found.fileKey);
      if (!file) return refuseUnknown('File of this export');
      return {
        status: 200,
        body: file.bytes,
        headers: {
          'Content-Type': contentTypeOf(found.fileKey),
          'Content-Disposition': `attachment; filename="report-${found.id}.${found.format}"`,
          'Cache-Control': 'private, no-store',
          'X-Content-Type-Options': 'nosniff',
        },
      };
    },
  }),
];
