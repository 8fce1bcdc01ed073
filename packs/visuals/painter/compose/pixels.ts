import type { Sharp } from 'sharp';

/** RGB, three bytes a pixel, row by row. */
export interface Pixels {
  data: Buffer;
  width: number;
  height: number;
}

export async function readPixels(image: Sharp): Promise<Pixels> {
  const flat = image.flatten({ background: '#ffffff' }).toColourspace('srgb').removeAlpha();
  const { data, info } = await flat.raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
