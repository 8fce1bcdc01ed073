import { cancelBatch } from '../../batches/cancel.ts';
import { createBatch } from '../../batches/create.ts';
import { getBatch } from '../../batches/get.ts';
import { listBatches } from '../../batches/list.ts';
import { listBatchTasks } from '../../batches/tasks.ts';
import { awaitBatch } from '../await-task.ts';
import {
  batchFields,
  batchId,
  batchTasksFields,
  cancelBatchFields,
  listBatchesFields,
  waitBatchFields,
} from './batch-fields.ts';
import { enqueueOptions } from './fields.ts';
import { procedureFor } from './procedures.ts';

const reading = procedureFor('read');

/** Every verb on batches. */
export const batchProcedures = {
  create: procedureFor('enqueue')
    .input(batchFields.extend({ idempotencyKey: enqueueOptions.shape.idempotencyKey }))
    .mutation(({ ctx, input }) => ctx.patience.spend(createBatch(ctx.lovage, ctx.caller, input))),

  get: reading
    .input(batchId)
    .query(({ ctx, input }) => ctx.patience.spend(getBatch(ctx.lovage, ctx.caller, input.id))),

  list: reading
    .input(listBatchesFields.prefault({}))
    .query(({ ctx, input }) => ctx.patience.spend(listBatches(ctx.lovage, ctx.caller, input))),

  tasks: reading
    .input(batchTasksFields)
    .query(({ ctx, input: { id, ...page } }) =>
      ctx.patience.spend(listBatchTasks(ctx.lovage, ctx.caller, id, page)),
    ),

  cancel: procedureFor('cancel')
    .input(cancelBatchFields)
    .mutation(({ ctx, input: { id, ...options } }) =>
      ctx.patience.spend(cancelBatch(ctx.lovage, ctx.caller, id, options)),
    ),

  wait: reading.input(waitBatchFields).query(({ ctx, input }) => awaitBatch(ctx, input.id, input.timeoutMs)),
};
