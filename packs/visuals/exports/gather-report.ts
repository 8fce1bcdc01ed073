import { Discard, type RunContext } from 'lovage';
import { findOwned } from '../rows/find-owned.ts';
import { patientProfiles } from '../schema/index.ts';
import type { ExportRequest } from './export-request.ts';
import { readComparisons, readCosts, readVisualizations, type Selection } from './read-entries.ts';
import { redactReport } from './redact-report.ts';
import { describeComparison, describeCost, describePatient, describeVisualization } from './describe.ts';
import { DISCLAIMER, type Report } from './report.ts';

type Context = Pick<RunContext<ExportRequest>, 'db' | 'vault' | 'tenant' | 'input' | 'id'>;

export interface Gathered {
  report: Report;
  patient: typeof patientProfiles.$inferSelect;
}

/**
 * Reads all that an export is to tell.
 * @throws Discard `PatientNotFound`, `NoDataToExport`, and `VisualizationNotFound` and the like for an id that is named in vain.
 */
export async function gatherReport(
  { db, vault, tenant, input, id }: Context,
  generatedAt: Date,
): Promise<Gathered> {
  const found = await findOwned(db, patientProfiles, { id: input.patient_id, tenant });
  if ('missing' in found)
    throw new Discard(`Patient ${input.patient_id} not found`, { code: 'PatientNotFound' });
  const patient = found.row;
  const select = (isIncluded: boolean, ids: string[] | null): Selection => ({
    tenant,
    patientId: patient.id,
    ids: isIncluded ? ids : [],
  });
  const visualizations = await readVisualizations(
    db,
    select(input.include_visualizations, input.visualization_ids),
  );
  const comparisons = await readComparisons(db, select(input.include_comparisons, input.comparison_ids));
  const costs = await readCosts(db, select(input.include_cost_estimates, input.cost_breakdown_ids));
  if (visualizations.length + comparisons.length + costs.length === 0) {
    throw new Discard(`Patient ${patient.id} has no data to export`, { code: 'NoDataToExport' });
  }
  const report: Report = {
    export_id: id,
    generated_at: generatedAt.toISOString(),
    shareable: input.shareable,
    disclaimer: DISCLAIMER,
    patient: describePatient(patient, vault),
    visualizations: visualizations.map(describeVisualization),
    comparisons: comparisons.map(describeComparison),
    cost_estimates: costs.map(describeCost),
  };
  return { patient, report: input.shareable ? redactReport(report) : report };
}
