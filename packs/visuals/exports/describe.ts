import type { Vault } from 'lovage';
import type { CostBreakdown } from '../costs/store-estimate.ts';
import type { comparisons, patientProfiles, visualizations } from '../schema/index.ts';
import { contentTypeOf } from '../store/artefact-store.ts';
import type {
  ReportComparison,
  ReportCost,
  ReportImage,
  ReportPatient,
  ReportVisualization,
} from './report.ts';

export function describePatient(patient: typeof patientProfiles.$inferSelect, vault: Vault): ReportPatient {
  const { city, state, zip_code, country } = patient.location;
  return {
    id: patient.id,
    name: patient.name,
    date_of_birth: patient.dateOfBirth,
    location: [city, state, zip_code, country].filter(Boolean).join(', '),
    insurance_provider: patient.insurance.provider,
    policy_number: vault.decrypt(patient.policyNumber),
    medical_history: patient.medicalHistory && vault.decrypt(patient.medicalHistory),
  };
}

export function describeVisualization(row: typeof visualizations.$inferSelect): ReportVisualization {
  const model = row.metadata['model'];
  return {
    id: row.id,
    procedure_name: row.procedureName,
    generated_at: row.generatedAt.toISOString(),
    confidence_score: row.confidenceScore,
    model: typeof model === 'string' ? model : null,
    before_image: nameImage(row.beforeKey),
    after_image: nameImage(row.afterKey),
  };
}

export const describeComparison = (row: typeof comparisons.$inferSelect): ReportComparison => ({
  id: row.id,
  created_at: row.createdAt.toISOString(),
  procedures: row.procedures.map(({ procedure_name, cost, recovery_days, risk_level, after_key }) => ({
    procedure_name,
    cost,
    recovery_days,
    risk_level,
    after_image: nameImage(after_key),
  })),
});

export const describeCost = (row: CostBreakdown): ReportCost => ({
  id: row.id,
  created_at: row.createdAt.toISOString(),
  procedure_name: row.procedureName,
  region: row.region,
  currency: 'USD',
  fees: row.fees,
  total_cost: row.totalCost,
  total_min: row.totalMin,
  total_max: row.totalMax,
  coverage: row.coverage,
  payment_plans: row.paymentPlans,
  assumptions: row.assumptions,
});

const nameImage = (key: string): ReportImage => ({ key, content_type: contentTypeOf(key) });
