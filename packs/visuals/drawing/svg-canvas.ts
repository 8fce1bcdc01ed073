import type { Box, Canvas } from './canvas.ts';
import { fonts } from './fonts.ts';
import { ground, ink } from './palette.ts';
import { escapeXml } from './render-svg.ts';

/** A canvas that becomes an SVG document. `scale`: pixels a point. */
export function openSvgCanvas(size: { width: number; height: number; scale?: number }) {
  const shapes: string[] = [];
  const canvas: Canvas = {
    text: (line, { x, y, size, bold = false, color = ink.strong, align = 'start' }) =>
      void shapes.push(
        `<text${attributes({
          x,
          y,
          'font-size': size,
          'font-weight': bold ? 'bold' : 'normal',
          'text-anchor': align,
          fill: color,
        })}>${escapeXml(line)}</text>`,
      ),
    rect: ({ fill = 'none', stroke = 'none', radius = 0, ...box }) =>
      void shapes.push(`<rect${attributes({ ...placed(box), rx: radius, fill, stroke })}/>`),
    path: (outline, { fill }) => void shapes.push(`<path${attributes({ d: outline, fill })}/>`),
    image: (picture, box) => void shapes.push(`<image${attributes({ ...placed(box), href: picture.uri })}/>`),
  };
  const { width, height, scale = 1 } = size;
  const root = attributes({
    xmlns: 'http://www.w3.org/2000/svg',
    width: width * scale,
    height: height * scale,
    viewBox: `0 0 ${width} ${height}`,
    'font-family': fonts().family,
  });
  const background = `<rect${attributes({ width, height, fill: ground.page })}/>`;
  return { canvas, toSvg: () => `<svg${root}>${background}${shapes.join('')}</svg>` };
}

const placed = ({ x, y, width, height }: Box) => ({ x, y, width, height });

const attributes = (values: Record<string, string | number>): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(typeof value === 'number' ? round(value) : value)}"`)
    .join('');

const round = (value: number): string => String(Math.round(value * 100) / 100);
