import { renderSvg } from './render-svg.ts';

export type PixelFormat = 'png' | 'jpeg';

/** Draws an SVG document as a picture of that format. */
export async function rasterize(svg: string, format: PixelFormat): Promise<Buffer> {
  const png = await renderSvg(svg);
  if (format === 'png') return png;
  const { default: sharp } = await import('sharp');
  return sharp(png, { limitInputPixels: false })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: 90 })
    .toBuffer();
}
