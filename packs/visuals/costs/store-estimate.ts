import { randomUUID } from 'node:crypto';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { costBreakdowns, type procedures } from '../schema/index.ts';
import type { Region } from './assumptions.ts';
import { estimateCost, type Insurance } from './estimate.ts';

export type CostBreakdown = typeof costBreakdowns.$inferSelect;

export interface EstimateRequest {
  tenant: string;
  procedure: typeof procedures.$inferSelect;
  patientId: string | null;
  region: Region;
  insurance: Insurance;
}

/** Estimates, and keeps the estimate. */
export async function storeEstimate(
  db: NodePgDatabase,
  { tenant, procedure, patientId, region, insurance }: EstimateRequest,
): Promise<CostBreakdown> {
  const { name, typicalCostMin: costMin, typicalCostMax: costMax } = procedure;
  const estimate = estimateCost({ name, costMin, costMax }, region, insurance);
  const [row] = await db
    .insert(costBreakdowns)
    .values({
      id: randomUUID(),
      tenant,
      patientId,
      procedureId: procedure.id,
      procedureName: name,
      region,
      fees: estimate.fees,
      totalCost: estimate.total_cost,
      totalMin: estimate.total_min,
      totalMax: estimate.total_max,
      coverage: estimate.coverage,
      paymentPlans: estimate.payment_plans,
      assumptions: estimate.assumptions,
    })
    .returning();
  if (!row) throw new Error(`The estimate for "${procedure.id}" was not stored`);
  return row;
}
