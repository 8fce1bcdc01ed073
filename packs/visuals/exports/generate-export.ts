import { defineTask } from 'lovage';
import { readEnvironment } from '../environment.ts';
import { policy } from '../previews/policy.ts';
import { exports } from '../schema/index.ts';
import { keepArtefact, useArtefacts } from '../store/keep-artefact.ts';
import { openStore } from '../store/open.ts';
import { askedAt } from './asked-at.ts';
import { exportRequest } from './export-request.ts';
import { gatherReport } from './gather-report.ts';
import { exportTypes } from './export-types.ts';
import { exportOutput, renderExport } from './render-export.ts';
import { renderReport } from './render-report.ts';

/** Makes a report of what there is about a patient. Its id is the task's, its row commits with the task's success. */
export const generateExport = defineTask({
  name: 'visuals.generateExport',
  queue: 'exports',
  input: exportRequest,
  output: exportOutput,
  ...policy,
  async run(context) {
    const { input, id, tenant, db, signal, progress, onSettle } = context;
    const step = (current: number, message: string) => {
      signal.throwIfAborted();
      progress({ current, total: 100, message });
    };
    step(10, 'Gathering');
    const createdAt = askedAt(id);
    const { report, patient } = await gatherReport(context, createdAt);

    step(30, 'Rendering');
    const store = openStore();
    const bytes = await renderReport(report, input.format, { store, signal });

    step(90, 'Saving');
    const fileKey = await keepArtefact(db, store, { bytes, contentType: exportTypes[input.format] });
    const keepDays = readEnvironment().VISUALS_KEEP_DAYS;
    const { format, shareable } = input;
    const made = { id, patientId: patient.id, format, shareable, sizeBytes: bytes.length, createdAt };
    onSettle(async (tx) => {
      await useArtefacts(tx, [{ key: fileKey, tenant, owner: `export/${id}`, keepDays }]);
      await tx
        .insert(exports)
        .values({ ...made, tenant, fileKey })
        .onConflictDoNothing();
    });
    step(100, 'Exported');
    return renderExport({ ...made, patientName: patient.name });
  },
});
