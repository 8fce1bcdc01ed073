import type sharp from 'sharp';
import { renderSvg } from '../../drawing/render-svg.ts';
import { drawSheet, PANEL_WIDTH, SHEET } from './draw-marks.ts';
import type { Pixels } from './pixels.ts';

const MAX_PANEL_HEIGHT = 1100;
const QUALITY = 90;

export interface SheetParts {
  before: Pixels;
  after: Buffer;
  procedure: { name: string; bodyRegion: string };
}

/** Before and after beside each other on one page, as JPEG. */
export async function makeSheet(
  open: typeof sharp,
  { before, after, procedure }: SheetParts,
): Promise<Buffer> {
  const { width, height } = before;
  const panel = {
    width: PANEL_WIDTH,
    height: Math.min(MAX_PANEL_HEIGHT, Math.round((height / width) * PANEL_WIDTH)),
    fit: 'contain' as const,
    background: '#e8e6e2',
  };
  const left = open(before.data, { raw: { width, height, channels: 3 } }).resize(panel);
  const page = drawSheet({
    name: procedure.name,
    region: procedure.bodyRegion.replace('_', ' '),
    panelHeight: panel.height,
  });
  return open(await renderSvg(page))
    .composite([
      { input: await left.png().toBuffer(), left: SHEET.margin, top: SHEET.header },
      {
        input: await open(after).resize(panel).png().toBuffer(),
        left: SHEET.margin + PANEL_WIDTH + SHEET.gap,
        top: SHEET.header,
      },
    ])
    .flatten()
    .jpeg({ quality: QUALITY })
    .toBuffer();
}
