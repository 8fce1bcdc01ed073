import { limitQueue } from '../../queues/limit.ts';
import { getQueue, listQueues } from '../../queues/list.ts';
import { pauseQueue } from '../../queues/pause.ts';
import { resumeQueue } from '../../queues/resume.ts';
import { limitFields, pauseFields, queueName } from './fields.ts';
import { sharedProcedureFor } from './procedures.ts';

const reading = sharedProcedureFor('read');
const operating = sharedProcedureFor('admin');

/** Every verb on queues. All tenants share them, and so the counts: an admin of the house may stop one. */
export const queueProcedures = {
  list: reading.query(({ ctx }) => ctx.patience.spend(listQueues(ctx.lovage))),

  get: reading
    .input(queueName)
    .query(({ ctx, input }) => ctx.patience.spend(getQueue(ctx.lovage, input.name))),

  pause: operating
    .input(pauseFields)
    .mutation(({ ctx, input: { name, ...options } }) =>
      ctx.patience.spend(pauseQueue(ctx.lovage, ctx.caller, name, options)),
    ),

  limit: operating
    .input(limitFields)
    .mutation(({ ctx, input: { name, ...change } }) =>
      ctx.patience.spend(limitQueue(ctx.lovage, ctx.caller, name, change)),
    ),

  resume: operating
    .input(queueName)
    .mutation(({ ctx, input }) => ctx.patience.spend(resumeQueue(ctx.lovage, ctx.caller, input.name))),
};
