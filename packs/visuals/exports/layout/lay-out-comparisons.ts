import { formatMoney } from '../../costs/format-money.ts';
import type { ReportComparison } from '../report.ts';
import type { Block, Layout } from './block.ts';
import { formatDate } from './format-date.ts';
import { pictureRows } from './picture-rows.ts';
import { heading, keepTogether, subheading } from './text-blocks.ts';
import { table } from './table.ts';

const columns = [
  { title: 'Procedure', part: 0.46 },
  { title: 'Typical cost', part: 0.18, align: 'end' },
  { title: 'Recovery', part: 0.18, align: 'end' },
  { title: 'Risk', part: 0.18 },
] as const;

export function layOutComparisons(layout: Layout, comparisons: readonly ReportComparison[]): Block[] {
  const { type } = layout;
  return [
    ...heading('Comparisons'),
    ...comparisons.flatMap(({ created_at, procedures }) => [
      ...subheading(type, `${procedures.length} procedures, compared on ${formatDate(created_at)}`),
      ...keepTogether(
        pictureRows(
          layout,
          procedures.map(({ procedure_name, after_image }) => ({
            key: after_image.key,
            caption: procedure_name,
          })),
        ),
      ),
      ...table(
        type,
        columns,
        procedures.map(({ procedure_name, cost, recovery_days, risk_level }) => [
          procedure_name,
          formatMoney(cost),
          `${recovery_days} ${recovery_days === 1 ? 'day' : 'days'}`,
          risk_level,
        ]),
      ),
    ]),
  ];
}
