import type { Picture } from '../drawing/canvas.ts';
import type { Report } from './report.ts';

/** Wide enough for half a page in print. */
const MAX_PIXELS = 900;
const MAX_INPUT_PIXELS = 8000 * 8000;

/**
 * The images that a report shows, each once, scaled down and made anew: a photo's own metadata, such as where it was taken, stays behind.
 * One that is gone is left out; the page then says so.
 */
export async function preparePictures(
  report: Report,
  read: (key: string) => Promise<Uint8Array | null>,
  signal: AbortSignal,
): Promise<Map<string, Picture>> {
  const pictures = new Map<string, Picture>();
  for (const key of keysOf(report)) {
    signal.throwIfAborted();
    const bytes = await read(key);
    if (bytes) pictures.set(key, await shrink(bytes));
  }
  return pictures;
}

function keysOf({ visualizations, comparisons }: Report): Set<string> {
  const shown = visualizations.flatMap(({ before_image, after_image }) => [before_image, after_image]);
  const compared = comparisons.flatMap(({ procedures }) => procedures.map(({ after_image }) => after_image));
  return new Set([...shown, ...compared].map(({ key }) => key));
}

async function shrink(bytes: Uint8Array): Promise<Picture> {
  const { default: sharp } = await import('sharp');
  const { data, info } = await sharp(bytes, { limitInputPixels: MAX_INPUT_PIXELS })
    .autoOrient()
    .resize({ width: MAX_PIXELS, height: MAX_PIXELS, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: 85 })
    .toBuffer({ resolveWithObject: true });
  return { uri: `data:image/jpeg;base64,${data.toString('base64')}`, width: info.width, height: info.height };
}
