import { listWorkers } from '../../workers/list.ts';
import { workerFields } from './fields.ts';
import { sharedProcedureFor } from './procedures.ts';

/** Every verb on workers, which all tenants share. */
export const workerProcedures = {
  list: sharedProcedureFor('read')
    .input(workerFields.prefault({}))
    .query(({ ctx, input }) => ctx.patience.spend(listWorkers(ctx.lovage, input))),
};
