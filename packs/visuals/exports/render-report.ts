import { openTypesetter } from '../drawing/typesetter.ts';
import type { ExportFormat } from '../schema/index.ts';
import type { ArtefactStore } from '../store/artefact-store.ts';
import { preparePictures } from './prepare-pictures.ts';
import { renderPdf } from './render-pdf.ts';
import { renderSheet } from './render-sheet.ts';
import type { Report } from './report.ts';

/** The file of an export; images come from the store. */
export async function renderReport(
  report: Report,
  format: ExportFormat,
  { store, signal }: { store: Pick<ArtefactStore, 'get'>; signal: AbortSignal },
): Promise<Buffer> {
  if (format === 'json') return Buffer.from(`${JSON.stringify(report, null, 2)}\n`);
  const read = async (key: string) => (await store.get(key))?.bytes ?? null;
  const pictures = await preparePictures(report, read, signal);
  const layout = { type: await openTypesetter(), pictures };
  signal.throwIfAborted();
  return format === 'pdf' ? renderPdf(report, layout) : renderSheet(report, format, layout);
}
