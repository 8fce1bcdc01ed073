import { rasterize, type PixelFormat } from '../drawing/rasterize.ts';
import { openSvgCanvas } from '../drawing/svg-canvas.ts';
import { page, type Layout } from './layout/block.ts';
import { layOutSheet } from './layout/lay-out-sheet.ts';
import type { Report } from './report.ts';

const PIXELS_A_POINT = 2;

/** The report as one picture, as long as it needs to be. */
export async function renderSheet(report: Report, format: PixelFormat, layout: Layout): Promise<Buffer> {
  const { blocks, height } = layOutSheet(layout, report);
  const { canvas, toSvg } = openSvgCanvas({ width: page.width, height, scale: PIXELS_A_POINT });
  let top: number = page.margin;
  for (const block of blocks) {
    block.draw(canvas, top);
    top += block.height;
  }
  return rasterize(toSvg(), format);
}
