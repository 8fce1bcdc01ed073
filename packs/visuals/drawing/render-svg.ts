import { fileURLToPath } from 'node:url';

const FONT = 'DejaVu Sans';
const FILES = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'];

/** Draws an SVG as PNG with fonts of its own: no machine's fonts are looked at, so it looks the same on all. */
export async function renderSvg(svg: string): Promise<Buffer> {
  const { Resvg } = await import('@resvg/resvg-js');
  const fontFiles = FILES.map((file) => fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${file}`)));
  const font = { fontFiles, loadSystemFonts: false, defaultFontFamily: FONT, sansSerifFamily: FONT };
  return new Resvg(svg, { font }).render().asPng();
}

/** Text as it may stand in SVG. */
export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
