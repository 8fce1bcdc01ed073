import type { DialectRequest, OutputOf } from 'lovage';
import { readEnvironment } from '../environment.ts';
import type { generateExport } from '../exports/generate-export.ts';
import { exportTypes } from '../exports/render-report.ts';

const MINUTE_MS = 60_000;

/** An export as callers see it, with a link that opens its file without a key for a while. */
export function presentExport(
  request: Pick<DialectRequest, 'sign'>,
  { size_bytes, ...made }: OutputOf<typeof generateExport>,
) {
  const expiresInMs = readEnvironment().VISUALS_LINK_MINUTES * MINUTE_MS;
  const downloadUrl = request.sign(`/api/exports/${made.id}/download`, { expiresInMs });
  return {
    ...made,
    status: 'completed',
    download_url: downloadUrl,
    metadata: { download_url: downloadUrl, content_type: exportTypes[made.format], size_bytes },
  };
}
