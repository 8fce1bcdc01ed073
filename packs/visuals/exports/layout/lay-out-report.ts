import { ink } from '../../drawing/palette.ts';
import type { Report } from '../report.ts';
import { gap, type Block, type Layout } from './block.ts';
import { formatDate } from './format-date.ts';
import { layOutComparisons } from './lay-out-comparisons.ts';
import { layOutCosts } from './lay-out-costs.ts';
import { layOutPatient } from './lay-out-patient.ts';
import { layOutVisualizations } from './lay-out-visualizations.ts';
import { paragraph } from './text-blocks.ts';

export const TITLE = 'Surgical preview report';

/** The report from top to bottom, for whatever it is drawn on. */
export function layOutReport(layout: Layout, report: Report): Block[] {
  const { type } = layout;
  const whose = report.patient
    ? `Prepared for ${report.patient.name}`
    : 'Shared without the name, insurance and history of the patient. The photos still show a person: share them with care.';
  const { patient, visualizations, comparisons, cost_estimates } = report;
  return [
    ...paragraph(type, TITLE, { size: 24, bold: true }),
    gap(2),
    ...paragraph(type, whose, { size: 12, maxLines: 3 }),
    gap(2),
    ...paragraph(type, formatDate(report.generated_at), { size: 10, color: ink.soft }),
    ...(patient ? layOutPatient(layout, patient) : []),
    ...(visualizations.length > 0 ? layOutVisualizations(layout, visualizations) : []),
    ...(comparisons.length > 0 ? layOutComparisons(layout, comparisons) : []),
    ...(cost_estimates.length > 0 ? layOutCosts(layout, cost_estimates) : []),
  ];
}
