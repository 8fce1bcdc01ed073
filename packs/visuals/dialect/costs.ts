import { resource, type DialectRoute } from 'lovage';
import { z } from 'zod';
import { regions } from '../costs/assumptions.ts';
import { findCost } from '../costs/find-cost.ts';
import { presentCost } from '../costs/present-cost.ts';
import { storeEstimate } from '../costs/store-estimate.ts';
import { findPatient } from '../exports/find-patient.ts';
import { findProcedures } from '../procedures/find.ts';
import { costBreakdowns, patientProfiles } from '../schema/index.ts';
import { infographicRoutes } from './infographics.ts';
import { refuseMissing, refuseUnknown } from './refuse.ts';

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
      if (!procedure) return refuseUnknown('Procedure');
      const id = body.patient_id;
      if (id !== null && !(await findPatient(db, tenant, id)))
        return refuseMissing(request, patientProfiles, { id, noun: 'Patient' });
      const { coverage_percent: coveragePercent, deductible } = body.insurance ?? NOT_INSURED;
      const insurance = { coveragePercent, deductible };
      const asked = { tenant, procedure, patientId: id, region: body.region, insurance };
      return { status: 201, body: presentCost(await storeEstimate(db, asked)) };
    },
  }),
  resource({
    method: 'get',
    path: '/api/costs/{id}',
    summary: 'A cost estimate',
    kind: 'resource',
    reply: async (request) => {
      const { id = '' } = request.params;
      const cost = await findCost(request.db, request.tenant, id);
      if (!cost) return refuseMissing(request, costBreakdowns, { id, noun: 'Cost breakdown' });
      return { status: 200, body: presentCost(cost) };
    },
  }),
  ...infographicRoutes,
];
