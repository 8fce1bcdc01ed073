import { defineTask, isTransient } from 'lovage';
import { z } from 'zod';
import { readEnvironment } from '../environment.ts';
import { EXPORT_FORMATS, exports } from '../schema/index.ts';
import { keepArtefact, useArtefacts } from '../store/keep-artefact.ts';
import { openStore } from '../store/open.ts';
import { askedAt } from './asked-at.ts';
import { exportRequest } from './export-request.ts';
import { gatherReport } from './gather-report.ts';
import { exportTypes, renderReport } from './render-report.ts';

const HOUR_MS = 60 * 60 * 1000;

export const exportOutput = z.strictObject({
  id: z.string(),
  patient_id: z.string(),
  /** Null where the report is for others to see. */
  patient_name: z.string().nullable(),
  format: z.enum(EXPORT_FORMATS),
  shareable: z.boolean(),
  created_at: z.string(),
  size_bytes: z.int(),
});

/** Makes a report of what there is about a patient. Its id is the task's, its row commits with the task's success. */
export const generateExport = defineTask({
  name: 'visuals.generateExport',
  queue: 'exports',
  input: exportRequest,
  output: exportOutput,
  attempts: 4,
  backoff: { delaysMs: [60_000, 120_000, 240_000] },
  retryIf: isTransient,
  softLimitMs: 240_000,
  hardLimitMs: 300_000,
  resultTtlMs: HOUR_MS,
  isolation: 'process',
  async run(context) {
    const { input, id, tenant, db, signal, progress, onSettle } = context;
    const step = (current: number, message: string) => {
      signal.throwIfAborted();
      progress({ current, total: 100, message });
    };
    step(10, 'Gathering');
    const createdAt = askedAt(id);
    const report = await gatherReport(context, createdAt);

    step(30, 'Rendering');
    const store = openStore();
    const bytes = await renderReport(report, input.format, { store, signal });

    step(90, 'Saving');
    const fileKey = await keepArtefact(db, store, { bytes, contentType: exportTypes[input.format] });
    const keepDays = readEnvironment().VISUALS_KEEP_DAYS;
    const { patient_id, format, shareable } = input;
    const row = { patientId: patient_id, format, shareable, fileKey, sizeBytes: bytes.length, createdAt };
    onSettle(async (tx) => {
      await useArtefacts(tx, [{ key: fileKey, tenant, owner: `export/${id}`, keepDays }]);
      await tx
        .insert(exports)
        .values({ id, tenant, ...row })
        .onConflictDoNothing();
    });
    step(100, 'Exported');
    return {
      id,
      patient_id,
      patient_name: report.patient?.name ?? null,
      format,
      shareable,
      created_at: createdAt.toISOString(),
      size_bytes: bytes.length,
    };
  },
});
