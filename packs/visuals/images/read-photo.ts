import type { SharpOptions } from 'sharp';
import { BadImage } from './bad-image.ts';
import { findEnd, pngChunks } from './find-end.ts';
import { FORMATS, recognizeFormat, type ImageFormat } from './recognize.ts';

export const MAX_BYTES = 10 * 1024 * 1024;
const MIN_SIDE = 100;
const MAX_SIDE = 8000;
const TIMEOUT_S = 30;
const QUALITY = 92;

/** How every image from outside is opened: no larger than a photo may be, and whole. */
export const STRICT: SharpOptions = { limitInputPixels: MAX_SIDE * MAX_SIDE, failOn: 'error' };

export interface Photo {
  bytes: Buffer;
  contentType: (typeof FORMATS)[ImageFormat];
  format: ImageFormat;
  width: number;
  height: number;
}

/**
 * Checks a photo and makes it anew from its pixels, upright: of what else was in the file, such as where it was taken, nothing is left.
 * @throws BadImage
 */
export async function readPhoto(given: Uint8Array, declaredType: string): Promise<Photo> {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  if (bytes.length === 0) throw new BadImage('the file is empty');
  if (bytes.length > MAX_BYTES) throw new BadImage('the file is larger than 10 MB');
  const format = recognizeFormat(bytes);
  if (format === undefined) throw new BadImage('the file is no JPEG, PNG or WebP image');
  checkType(declaredType, format);
  await checkSize(bytes);
  checkEnd(bytes, format);
  return { format, contentType: FORMATS[format], ...(await redraw(bytes, format)) };
}

function checkType(declaredType: string, format: ImageFormat): void {
  const declared = declaredType.split(';')[0]?.trim().toLowerCase().replace('image/jpg', 'image/jpeg');
  if (!declared || declared === 'application/octet-stream' || declared === FORMATS[format]) return;
  throw new BadImage(`the file is sent as ${declared} but is ${FORMATS[format]}`);
}

/** Reads the header alone: a decompression bomb is told by the size that it announces. */
async function checkSize(bytes: Buffer): Promise<void> {
  const { default: sharp } = await import('sharp');
  const { width, height, pages } = await sharp(bytes, STRICT).metadata().catch(damaged);
  const sides = [width, height];
  if (sides.some((side) => side < MIN_SIDE || side > MAX_SIDE)) {
    throw new BadImage(
      `the image has ${width} × ${height} pixels; ${MIN_SIDE} to ${MAX_SIDE} a side are taken`,
    );
  }
  if ((pages ?? 1) > 1) throw new BadImage('the image is animated');
}

/** Phones append a second JPEG (a depth or gain map) to the first; anything else is no photo's. */
function checkEnd(bytes: Buffer, format: ImageFormat): void {
  const end = findEnd(bytes, format);
  if (end === undefined) throw new BadImage('the image breaks off');
  const rest = bytes.subarray(end);
  const isSecondJpeg = format === 'JPEG' && recognizeFormat(rest) === 'JPEG';
  if (!isSecondJpeg && rest.some((byte) => byte !== 0)) {
    throw new BadImage('the file goes on after the end of the image');
  }
  if (format === 'PNG' && [...pngChunks(bytes)].some(({ name }) => name === 'acTL')) {
    throw new BadImage('the image is animated');
  }
}

async function redraw(bytes: Buffer, format: ImageFormat) {
  const { default: sharp } = await import('sharp');
  const upright = sharp(bytes, STRICT).timeout({ seconds: TIMEOUT_S }).autoOrient();
  const encode = {
    JPEG: () => upright.jpeg({ quality: QUALITY }),
    PNG: () => upright.png(),
    WEBP: () => upright.webp({ quality: QUALITY }),
  }[format];
  const { data, info } = await encode().toBuffer({ resolveWithObject: true }).catch(damaged);
  return { bytes: data, width: info.width, height: info.height };
}

function damaged(cause: unknown): never {
  throw new BadImage('the image is damaged, or larger than it says', { cause });
}
