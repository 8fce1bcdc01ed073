import { planArchive } from '../../archive/plan.ts';
import { sharedProcedureFor } from './procedures.ts';

/** All tenants share the archive's partitions, and so the plan of it. */
export const archiveProcedures = {
  plan: sharedProcedureFor('admin').query(({ ctx }) => ctx.patience.spend(planArchive(ctx.lovage))),
};
