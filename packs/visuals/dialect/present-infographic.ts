import type { DialectReply, DialectRequest } from 'lovage';
import { infographicSize } from '../costs/infographic/draw-infographic.ts';
import type { PixelFormat } from '../drawing/rasterize.ts';
import { readEnvironment } from '../environment.ts';
import { openStore } from '../store/open.ts';
import { refuseUnknown } from './refuse.ts';

const MINUTE_MS = 60_000;

interface Drawn {
  costId: string;
  format: PixelFormat;
  fileKey: string;
}

/** The picture itself for who asks for images, else where it is. */
export function replyInfographic(
  request: DialectRequest,
  drawn: Drawn,
): DialectReply | Promise<DialectReply> {
  const accept = request.header('accept') ?? '';
  return /\bimage\//i.test(accept)
    ? replyPicture(drawn.fileKey)
    : { status: 200, body: presentInfographic(request, drawn) };
}

export async function replyPicture(fileKey: string): Promise<DialectReply> {
  const file = await openStore().get(fileKey);
  if (!file) return refuseUnknown('Infographic');
  const headers = {
    'Content-Type': file.contentType,
    'X-Content-Type-Options': 'nosniff',
    Vary: 'Accept',
  };
  return { status: 200, body: file.bytes, headers };
}

/** With a link that opens the picture without a key for a while. */
export function presentInfographic(request: Pick<DialectRequest, 'sign'>, { costId, format }: Drawn) {
  const expiresInMs = readEnvironment().VISUALS_LINK_MINUTES * MINUTE_MS;
  const path = `/api/costs/${costId}/infographic/image?format=${format}`;
  return {
    cost_id: costId,
    infographic_url: request.sign(path, { expiresInMs }),
    format,
    ...infographicSize,
  };
}
