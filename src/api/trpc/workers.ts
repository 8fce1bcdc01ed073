import { drainWorker } from '../../workers/drain.ts';
import { getWorker, listWorkers } from '../../workers/list.ts';
import { taskId, workerFields } from './fields.ts';
import { sharedProcedureFor } from './procedures.ts';

const reading = sharedProcedureFor('read');

/** Every verb on workers, which all tenants share. */
export const workerProcedures = {
  list: reading
    .input(workerFields.prefault({}))
    .query(({ ctx, input }) => ctx.patience.spend(listWorkers(ctx.lovage, input))),

  get: reading.input(taskId).query(({ ctx, input }) => ctx.patience.spend(getWorker(ctx.lovage, input.id))),

  drain: sharedProcedureFor('admin')
    .input(taskId)
    .mutation(({ ctx, input }) => ctx.patience.spend(drainWorker(ctx.lovage, ctx.caller, input.id))),
};
