import type { Box } from '../../drawing/canvas.ts';
import { ground, ink } from '../../drawing/palette.ts';
import type { PixelFormat } from '../../drawing/rasterize.ts';
import { rasterize } from '../../drawing/rasterize.ts';
import { openSvgCanvas } from '../../drawing/svg-canvas.ts';
import { openTypesetter } from '../../drawing/typesetter.ts';
import { formatMoney } from '../format-money.ts';
import { drawCoverage } from './draw-coverage.ts';
import { drawFees } from './draw-fees.ts';
import { drawPlans } from './draw-plans.ts';
import type { Charted, Panel } from './panel.ts';

export const infographicSize = { width: 1200, height: 800 } as const;

const MARGIN = 48;
const NOTE =
  'An estimate from typical prices, not a quote. Your surgeon and your insurer set the actual amounts; the plans are examples, not offers.';

/** One picture of what a procedure costs, what insurance pays and what instalments come to. */
export async function drawInfographic(cost: Charted, format: PixelFormat): Promise<Buffer> {
  const type = await openTypesetter();
  const { canvas, toSvg } = openSvgCanvas(infographicSize);
  drawTitle({ canvas, type }, cost);
  const panel = (box: Box): Panel => {
    canvas.rect({ ...box, fill: ground.panel, radius: 12 });
    return { canvas, type, box };
  };
  drawFees(panel({ x: MARGIN, y: 180, width: 640, height: 290 }), cost);
  drawCoverage(panel({ x: 712, y: 180, width: 440, height: 290 }), cost.coverage);
  drawPlans(panel({ x: MARGIN, y: 494, width: 1104, height: 236 }), cost.payment_plans);
  canvas.text(NOTE, { x: MARGIN, y: 768, size: 14.5, color: ink.soft });
  return rasterize(toSvg(), format);
}

function drawTitle({ canvas, type }: Omit<Panel, 'box'>, cost: Charted): void {
  const total = formatMoney(cost.total_cost);
  const right = infographicSize.width - MARGIN;
  const totalWidth = type.widthOf(total, { size: 52, bold: true });
  canvas.text('Estimated cost', { x: MARGIN, y: 54, size: 18, color: ink.soft });
  canvas.text(total, { x: right, y: 106, size: 52, bold: true, align: 'end' });
  const range = `typically ${formatMoney(cost.total_min)} to ${formatMoney(cost.total_max)}`;
  canvas.text(range, { x: right, y: 142, size: 18, color: ink.soft, align: 'end' });

  const room = { width: right - Math.max(totalWidth, 300) - 40 - MARGIN, maxLines: 2 };
  const whole = type.wrap(cost.procedure_name, { size: 40, bold: true }, { width: room.width });
  const style = { size: whole.length > 1 ? 28 : 40, bold: true };
  const lines = type.wrap(cost.procedure_name, style, room);
  lines.forEach((line, index) =>
    canvas.text(line, { ...style, x: MARGIN, y: (lines.length > 1 ? 90 : 106) + index * 34 }),
  );
  const below = lines.length > 1 ? 154 : 142;
  canvas.text(describeRegion(cost), { x: MARGIN, y: below, size: 18, color: ink.soft });
}

const describeRegion = ({ region, currency }: Charted): string =>
  region === 'national'
    ? `National average, in ${currency}`
    : `Region: ${region[0]?.toUpperCase()}${region.slice(1)}, in ${currency}`;
