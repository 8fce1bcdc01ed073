import { resource, type DialectRoute } from 'lovage';
import { z } from 'zod';
import { regions } from '../costs/assumptions.ts';
import { renderCost } from '../costs/render-cost.ts';
import { storeEstimate } from '../costs/store-estimate.ts';
import { findProcedures } from '../procedures/find.ts';
import { findOwned } from '../rows/find-owned.ts';
import { costBreakdowns, patientProfiles } from '../schema/index.ts';
import { infographicRoutes } from './infographics.ts';
import { refuse, refuseMissing } from './errors.ts';

const estimateRequest = z.object({
  procedure_id: z.string().min(1).max(100),
  patient_id: z.string().min(1).max(100).nullable().default(null),
  region: z.enum(regions).default('national'),
  insurance: z
    .object({
      coverage_percent: z.number().min(0).max(100),
      deductible: z.number().min(0).max(1_000_000).default(0),
    })
    .nullable()
    .default(null),
});

const NOT_INSURED = { coverage_percent: 0, deductible: 0 };

export const costRoutes: readonly DialectRoute[] = [
  resource({
    method: 'post',
    path: '/api/costs/estimate',
    summary: 'Estimate what a procedure costs, from its typical range',
    kind: 'resource',
    body: estimateRequest,
    reply: async (request) => {
      const { db, tenant, body } = request;
      const [procedure] = await findProcedures(db, [body.procedure_id]);
      if (!procedure) return refuse(404, `Procedure ${body.procedure_id} not found`);
      const patientId = body.patient_id;
      if (patientId !== null) {
        const patient = await findOwned(db, patientProfiles, { id: patientId, tenant });
        if ('missing' in patient) return refuseMissing('Patient', patient.missing);
      }
      const { coverage_percent: coveragePercent, deductible } = body.insurance ?? NOT_INSURED;
      const insurance = { coveragePercent, deductible };
      const asked = { tenant, procedure, patientId, region: body.region, insurance };
      return { status: 201, body: renderCost(await storeEstimate(db, asked)) };
    },
  }),
  resource({
    method: 'get',
    path: '/api/costs/{id}',
    summary: 'A cost estimate',
    kind: 'resource',
    reply: async ({ db, tenant, params }) => {
      const found = await findOwned(db, costBreakdowns, { id: params['id'] ?? '', tenant });
      if ('missing' in found) return refuseMissing('Cost breakdown', found.missing);
      return { status: 200, body: renderCost(found.row) };
    },
  }),
  ...infographicRoutes,
];
