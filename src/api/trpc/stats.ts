import { getStats } from '../../stats/get.ts';
import { sharedProcedureFor } from './procedures.ts';

/** How the whole system stands, which all tenants share. */
export const statsProcedures = {
  get: sharedProcedureFor('read').query(({ ctx }) => ctx.patience.spend(getStats(ctx.lovage))),
};
