import { z } from 'zod';
import { EXPORT_FORMATS, type ExportFormat } from '../schema/index.ts';
import { exportTypes } from './export-types.ts';

export const exportOutput = z.strictObject({
  id: z.string(),
  patient_id: z.string(),
  /** Null where the report is for others to see. */
  patient_name: z.string().nullable(),
  format: z.enum(EXPORT_FORMATS),
  shareable: z.boolean(),
  created_at: z.string(),
  status: z.literal('completed'),
  download_url: z.string(),
  metadata: z.strictObject({
    download_url: z.string(),
    content_type: z.string(),
    size_bytes: z.int(),
  }),
});

interface Made {
  id: string;
  patientId: string;
  patientName: string;
  format: ExportFormat;
  shareable: boolean;
  createdAt: Date;
  sizeBytes: number;
}

/** An export as callers see it; the path of its file becomes a link where it is shown. */
export function renderExport(made: Made): z.output<typeof exportOutput> {
  const download_url = `/api/exports/${made.id}/download`;
  return {
    id: made.id,
    patient_id: made.patientId,
    patient_name: made.shareable ? null : made.patientName,
    format: made.format,
    shareable: made.shareable,
    created_at: made.createdAt.toISOString(),
    status: 'completed',
    download_url,
    metadata: { download_url, content_type: exportTypes[made.format], size_bytes: made.sizeBytes },
  };
}
