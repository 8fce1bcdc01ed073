import { ground, ink } from '../drawing/palette.ts';
import { rasterize, type PixelFormat } from '../drawing/rasterize.ts';
import { openSvgCanvas } from '../drawing/svg-canvas.ts';
import { gap, page, type Block, type Layout } from './layout/block.ts';
import { layOutReport } from './layout/lay-out-report.ts';
import { paginate } from './layout/paginate.ts';
import { paragraph } from './layout/text-blocks.ts';
import type { Report } from './report.ts';

const PIXELS_A_POINT = 2;
/** 16,000 pixels: what every viewer opens. */
const MAX_HEIGHT = 8_000;

/** The report as one picture, as long as it needs to be, with the disclaimer at its end. */
export async function renderSheet(report: Report, format: PixelFormat, layout: Layout): Promise<Buffer> {
  const end = layOutEnd(layout, report.disclaimer);
  const [shown = [], ...beyond] = paginate(
    layOutReport(layout, report),
    MAX_HEIGHT - 2 * page.margin - heightOf(end) - 40,
  );
  const cut = beyond.length > 0 ? layOutCut(layout) : [];
  const blocks = [...shown, ...cut, ...end];
  const { canvas, toSvg } = openSvgCanvas({
    width: page.width,
    height: Math.ceil(heightOf(blocks) + 2 * page.margin),
    scale: PIXELS_A_POINT,
  });
  let top: number = page.margin;
  for (const block of blocks) {
    block.draw(canvas, top);
    top += block.height;
  }
  return rasterize(toSvg(), format);
}

const heightOf = (blocks: readonly Block[]): number => blocks.reduce((sum, { height }) => sum + height, 0);

const layOutCut = ({ type }: Layout): Block[] => [
  gap(12),
  ...paragraph(type, 'The report goes on: the PDF and the JSON file hold all of it.', {
    size: 10,
    bold: true,
  }),
];

const layOutEnd = ({ type }: Layout, disclaimer: string): Block[] => [
  gap(20),
  {
    height: 10,
    draw: (canvas, top) =>
      canvas.rect({ x: page.margin, y: top, width: page.contentWidth, height: 1, fill: ground.line }),
  },
  ...paragraph(type, disclaimer, { size: 8.5, color: ink.soft }),
];
