import { ground, ink } from '../../drawing/palette.ts';
import type { Report } from '../report.ts';
import { gap, page, type Block, type Layout } from './block.ts';
import { layOutReport } from './lay-out-report.ts';
import { paginate } from './paginate.ts';
import { paragraph } from './text-blocks.ts';

/** In points; at two pixels a point 16,000 pixels, which every viewer opens. */
export const MAX_SHEET_HEIGHT = 8_000;

/** The report for one picture: what is too much for it is left to the other formats, and the disclaimer ends it. */
export function layOutSheet(layout: Layout, report: Report): { blocks: Block[]; height: number } {
  const end = layOutEnd(layout, report.disclaimer);
  const cut = layOutCut(layout);
  const room = MAX_SHEET_HEIGHT - 2 * page.margin - heightOf(end) - heightOf(cut);
  const [shown = [], ...beyond] = paginate(layOutReport(layout, report), room);
  const blocks = [...shown, ...(beyond.length > 0 ? cut : []), ...end];
  return { blocks, height: Math.ceil(heightOf(blocks) + 2 * page.margin) };
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
