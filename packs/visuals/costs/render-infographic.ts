import { z } from 'zod';
import type { PixelFormat } from '../drawing/rasterize.ts';
import { infographicSize } from './infographic/draw-infographic.ts';

export const infographicOutput = z.strictObject({
  cost_id: z.string(),
  infographic_url: z.string(),
  format: z.enum(['png', 'jpeg']),
  width: z.int(),
  height: z.int(),
});

const FILES = '/api/files/';

/** A drawn estimate as callers see it; the path of its file becomes a link where it is shown. */
export const renderInfographic = (drawn: {
  costId: string;
  format: PixelFormat;
  fileKey: string;
}): z.output<typeof infographicOutput> => ({
  cost_id: drawn.costId,
  infographic_url: FILES + drawn.fileKey,
  format: drawn.format,
  ...infographicSize,
});

/** The key of its file in the store. */
export const fileKeyOf = ({ infographic_url }: { infographic_url: string }): string =>
  infographic_url.slice(FILES.length);
