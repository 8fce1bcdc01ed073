import { ground, ink, palette } from '../../drawing/palette.ts';
import { scaleAxis } from '../../drawing/scale-axis.ts';
import { writeOver } from '../../drawing/write-over.ts';
import type { PaymentPlan } from '../estimate.ts';
import { formatCents, formatMoney, formatPercent, formatShort } from '../format-money.ts';
import type { Panel } from './panel.ts';

const PLOT_HEIGHT = 96;
const BAR = 56;

/** What a month costs in each plan, and what the plan comes to in all. */
export function drawPlans({ canvas, type, box }: Panel, plans: readonly PaymentPlan[]): void {
  canvas.text('Paying in instalments', { x: box.x + 24, y: box.y + 38, size: 20, bold: true });
  if (plans.length === 0) {
    const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 + 12, align: 'middle' } as const;
    canvas.text('Nothing is left for you to pay.', { ...middle, size: 20, color: ink.soft });
    return;
  }
  const ticks = scaleAxis(Math.max(...plans.map(({ monthly_payment }) => monthly_payment)), 3);
  const end = ticks.at(-1) ?? 1;
  const plot = { x: box.x + 100, bottom: box.y + 176, width: box.width - 130 };
  const heightOf = (amount: number) => (amount / end) * PLOT_HEIGHT;
  for (const tick of ticks) {
    const y = plot.bottom - heightOf(tick);
    canvas.rect({ x: plot.x, y, width: plot.width, height: 1, fill: ground.line });
    canvas.text(formatShort(tick), { x: plot.x - 10, y: y + 5, size: 15, color: ink.soft, align: 'end' });
  }
  canvas.text('a month', { x: plot.x - 10, y: plot.bottom + 24, size: 15, color: ink.soft, align: 'end' });
  const step = plot.width / plans.length;
  plans.forEach((plan, index) => {
    const left = plot.x + index * step + 16;
    const height = heightOf(plan.monthly_payment);
    canvas.rect({ x: left, y: plot.bottom - height, width: BAR, height, fill: palette.vermilion });
    const beside = {
      x: left + BAR + 10,
      y: plot.bottom - Math.max(10, height / 2 - 6),
      size: 18,
      bold: true,
    };
    writeOver({ canvas, type }, formatCents(plan.monthly_payment), { ...beside, fill: ground.panel });
    canvas.text(describeTerm(plan), { x: left, y: plot.bottom + 24, size: 16, bold: true });
    const inAll = `${formatMoney(plan.total_paid)} in all`;
    canvas.text(inAll, { x: left, y: plot.bottom + 45, size: 15, color: ink.soft });
  });
}

const describeTerm = ({ months, annual_rate_percent }: PaymentPlan): string =>
  `${months} months, ${annual_rate_percent === 0 ? 'no interest' : `${formatPercent(annual_rate_percent)} a year`}`;
