import { drawDonut } from '../../drawing/donut.ts';
import { ink, palette } from '../../drawing/palette.ts';
import type { Coverage } from '../estimate.ts';
import { formatMoney, formatPercent } from '../format-money.ts';
import type { Panel } from './panel.ts';

/** Who pays what, as a ring with its legend. */
export function drawCoverage({ canvas, box }: Panel, coverage: Coverage): void {
  const { insurance_pays, patient_pays } = coverage;
  canvas.text('Who pays', { x: box.x + 24, y: box.y + 38, size: 20, bold: true });
  const center = { x: box.x + 118, y: box.y + 164 };
  const slices = [
    { value: insurance_pays, color: palette.blue, label: 'Insurance' },
    { value: patient_pays, color: palette.vermilion, label: 'You' },
  ];
  drawDonut(canvas, slices, { ...center, outer: 92, inner: 60 });
  const total = insurance_pays + patient_pays;
  const mine = formatPercent(total > 0 ? Math.round((patient_pays / total) * 100) : 0);
  canvas.text(mine, { x: center.x, y: center.y + 6, size: 28, bold: true, align: 'middle' });
  canvas.text('you pay', { x: center.x, y: center.y + 28, size: 15, color: ink.soft, align: 'middle' });

  const left = box.x + 240;
  slices.forEach(({ value, color, label }, index) => {
    const y = box.y + 104 + index * 66;
    canvas.rect({ x: left, y, width: 16, height: 16, fill: color, radius: 3 });
    canvas.text(label, { x: left + 26, y: y + 14, size: 17, color: ink.soft });
    canvas.text(formatMoney(value), { x: left + 26, y: y + 40, size: 22, bold: true });
  });
  const [first, second] = explain(coverage);
  canvas.text(first, { x: left, y: box.y + 242, size: 14, color: ink.soft });
  canvas.text(second, { x: left, y: box.y + 261, size: 14, color: ink.soft });
}

function explain({ coverage_percent, deductible }: Coverage): readonly [string, string] {
  if (coverage_percent === 0) return ['No insurance', 'is counted on.'];
  const above = deductible > 0 ? `above ${formatMoney(deductible)}` : 'of the whole';
  return [`Insurance: ${formatPercent(coverage_percent)}`, above];
}
