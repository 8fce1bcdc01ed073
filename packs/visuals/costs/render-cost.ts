import type { CostBreakdown } from './store-estimate.ts';

/** An estimate as callers see it. */
export const renderCost = (cost: CostBreakdown) => ({
  id: cost.id,
  patient_id: cost.patientId,
  procedure_id: cost.procedureId,
  procedure_name: cost.procedureName,
  region: cost.region,
  currency: 'USD' as const,
  fees: cost.fees,
  total_cost: cost.totalCost,
  total_min: cost.totalMin,
  total_max: cost.totalMax,
  coverage: cost.coverage,
  payment_plans: cost.paymentPlans,
  assumptions: cost.assumptions,
  created_at: cost.createdAt.toISOString(),
});
