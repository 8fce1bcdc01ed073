import { ground, ink, palette } from '../../drawing/palette.ts';
import { scaleAxis } from '../../drawing/scale-axis.ts';
import { writeOver } from '../../drawing/write-over.ts';
import type { Fees } from '../estimate.ts';
import { feeLabels } from '../fee-labels.ts';
import { formatMoney, formatPercent, formatShort } from '../format-money.ts';
import type { Charted, Panel } from './panel.ts';

const BAR = 28;
const STEP = 43;

/** A bar for each fee, with its amount and share beside it. */
export function drawFees({ canvas, type, box }: Panel, { fees, total_cost }: Charted): void {
  canvas.text('What the total is made of', { x: box.x + 24, y: box.y + 38, size: 20, bold: true });
  const ticks = scaleAxis(Math.max(...Object.values(fees)), 4);
  const end = ticks.at(-1) ?? 1;
  const plot = { x: box.x + 172, y: box.y + 60, width: 320, height: 4 * STEP };
  const place = (amount: number) => plot.x + (amount / end) * plot.width;
  for (const tick of ticks) {
    canvas.rect({ x: place(tick), y: plot.y, width: 1, height: plot.height, fill: ground.line });
    const label = { y: plot.y + plot.height + 22, size: 15, color: ink.soft, align: 'middle' } as const;
    canvas.text(formatShort(tick), { ...label, x: place(tick) });
  }
  const keys = Object.keys(feeLabels) as (keyof Fees)[];
  keys.forEach((fee, index) => {
    const y = plot.y + index * STEP + (STEP - BAR) / 2;
    const baseline = y + BAR / 2 + 6;
    canvas.text(feeLabels[fee], { x: plot.x - 12, y: baseline, size: 17, align: 'end' });
    canvas.rect({ x: plot.x, y, width: place(fees[fee]) - plot.x, height: BAR, fill: palette.green });
    const share = formatPercent(total_cost > 0 ? Math.round((fees[fee] / total_cost) * 100) : 0);
    const amount = `${formatMoney(fees[fee])} · ${share}`;
    const label = { x: place(fees[fee]) + 10, y: baseline, size: 17, bold: true, fill: ground.panel };
    writeOver({ canvas, type }, amount, label);
  });
  const caption = { x: plot.x + plot.width / 2, y: plot.y + plot.height + 46, size: 15 };
  canvas.text('US dollars', { ...caption, color: ink.soft, align: 'middle' });
}
