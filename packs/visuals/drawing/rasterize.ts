import { fonts } from './fonts.ts';

export type PixelFormat = 'png' | 'jpeg';

/** Draws an SVG document with the fonts that come with the code, and no others. */
export async function rasterize(svg: string, format: PixelFormat): Promise<Buffer> {
  const { Resvg } = await import('@resvg/resvg-js');
  const { family, regular, bold } = fonts();
  const image = new Resvg(svg, {
    font: {
      loadSystemFonts: false,
      fontFiles: [regular, bold],
      defaultFontFamily: family,
      sansSerifFamily: family,
    },
  }).render();
  const png = image.asPng();
  if (format === 'png') return png;
  const { default: sharp } = await import('sharp');
  return sharp(png, { limitInputPixels: false })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: 90 })
    .toBuffer();
}
