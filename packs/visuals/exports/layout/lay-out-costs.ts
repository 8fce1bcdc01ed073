import { feeLabels } from '../../costs/fee-labels.ts';
import type { Fees } from '../../costs/estimate.ts';
import { formatCents, formatMoney, formatPercent } from '../../costs/format-money.ts';
import { ground, palette } from '../../drawing/palette.ts';
import type { ReportCost } from '../report.ts';
import { gap, page, type Block, type Layout } from './block.ts';
import { table } from './table.ts';
import { heading, keepTogether, paragraph, remark, subheading } from './text-blocks.ts';

export function layOutCosts({ type }: Layout, costs: readonly ReportCost[]): Block[] {
  return [
    ...heading('Cost estimates'),
    ...costs.flatMap((cost) => [
      ...subheading(type, cost.procedure_name),
      ...keepTogether(paragraph(type, describeTotal(cost), { size: 10 })),
      ...keepTogether(feeBars(cost)),
      ...(cost.coverage ? paragraph(type, describeCoverage(cost.coverage), { size: 10 }) : []),
      ...layOutPlans({ type }, cost),
      gap(2),
      ...cost.assumptions.flatMap((assumption) => remark(type, assumption)),
      gap(10),
    ]),
  ];
}

function describeTotal({ total_cost, total_min, total_max, region }: ReportCost): string {
  const where = region === 'national' ? 'national average' : `region: ${region}`;
  return `${formatMoney(total_cost)} in all (typically ${formatMoney(total_min)} to ${formatMoney(total_max)}; ${where})`;
}

/** One bar a fee, all to the scale of the largest. */
function feeBars({ fees }: ReportCost): Block[] {
  const largest = Math.max(1, ...Object.values(fees));
  const keys = Object.keys(feeLabels) as (keyof Fees)[];
  const bars = keys.map((fee): Block => {
    const width = (fees[fee] / largest) * 260;
    return {
      height: 18,
      draw: (canvas, top) => {
        const left = page.margin + 110;
        canvas.text(feeLabels[fee], { x: left - 10, y: top + 12, size: 9.5, align: 'end' });
        canvas.rect({ x: left, y: top, width: 1, height: 18, fill: ground.line });
        canvas.rect({ x: left, y: top + 3, width, height: 12, fill: palette.green });
        canvas.text(formatMoney(fees[fee]), { x: left + width + 7, y: top + 12, size: 9.5, bold: true });
      },
    };
  });
  return [gap(4), ...bars, gap(6)];
}

function describeCoverage({
  coverage_percent,
  insurance_pays,
  patient_pays,
}: NonNullable<ReportCost['coverage']>) {
  return coverage_percent > 0
    ? `Insurance pays ${formatMoney(insurance_pays)}, you pay ${formatMoney(patient_pays)}.`
    : `No insurance is counted on: you pay ${formatMoney(patient_pays)}.`;
}

const columns = [
  { title: 'Instalments', part: 0.25 },
  { title: 'Interest a year', part: 0.25, align: 'end' },
  { title: 'A month', part: 0.25, align: 'end' },
  { title: 'In all', part: 0.25, align: 'end' },
] as const;

function layOutPlans({ type }: Pick<Layout, 'type'>, { payment_plans }: ReportCost): Block[] {
  if (!payment_plans || payment_plans.length === 0) return [];
  const rows = payment_plans.map(({ months, annual_rate_percent, monthly_payment, total_paid }) => [
    `${months} months`,
    formatPercent(annual_rate_percent),
    formatCents(monthly_payment),
    formatCents(total_paid),
  ]);
  return [gap(4), ...table(type, columns, rows), gap(6)];
}
