import { resource, type DialectRoute } from 'lovage';
import { z } from 'zod';
import { findProcedures, listProcedures, type Procedure } from '../procedures/find.ts';
import { refuseMissing } from './errors.ts';

const renderProcedure = (row: Procedure) => ({
  id: row.id,
  name: row.name,
  category: row.category,
  description: row.description,
  typical_cost_min: row.typicalCostMin,
  typical_cost_max: row.typicalCostMax,
  recovery_days: row.recoveryDays,
  risk_level: row.riskLevel,
  body_region: row.bodyRegion,
});

export const procedureRoutes: readonly DialectRoute[] = [
  resource({
    method: 'get',
    path: '/api/procedures',
    summary: 'All procedures, or those of a category',
    kind: 'resource',
    query: z.object({ category: z.string().max(100).optional() }),
    async reply({ db, query: { category } }) {
      const rows = await listProcedures(db);
      const procedures = rows.filter((row) => category === undefined || row.category === category);
      return { status: 200, body: { procedures: procedures.map(renderProcedure), total: procedures.length } };
    },
  }),
  resource({
    method: 'get',
    path: '/api/procedures/{id}',
    summary: 'A procedure',
    kind: 'resource',
    async reply({ db, params }) {
      const [row] = await findProcedures(db, [params['id'] ?? '']);
      if (row === undefined) return refuseMissing('Procedure', 'unknown');
      return { status: 200, body: renderProcedure(row) };
    },
  }),
];
