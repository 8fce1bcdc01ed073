import { listWorkers } from '../../workers/list.ts';
import { workerFields } from './fields.ts';
import { procedureFor } from './procedures.ts';

/** Every verb on workers. */
export const workerProcedures = {
  list: procedureFor('read')
    .input(workerFields.prefault({}))
    .query(({ ctx, input }) => ctx.patience.spend(listWorkers(ctx.lovage, input))),
};
