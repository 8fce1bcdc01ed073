import type { ExportFormat } from '../schema/index.ts';
import type { ContentType } from '../store/artefact-store.ts';

export const exportTypes = {
  pdf: 'application/pdf',
  png: 'image/png',
  jpeg: 'image/jpeg',
  json: 'application/json',
} as const satisfies Record<ExportFormat, ContentType>;
