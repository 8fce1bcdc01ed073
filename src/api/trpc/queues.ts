import { getQueue, listQueues } from '../../queues/list.ts';
import { pauseQueue } from '../../queues/pause.ts';
import { resumeQueue } from '../../queues/resume.ts';
import { pauseFields, queueName } from './fields.ts';
import { procedureFor } from './procedures.ts';

const reading = procedureFor('read');
const operating = procedureFor('admin');

/** Every verb on queues. Queues are shared by all tenants, so only an admin may stop one. */
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

  resume: operating
    .input(queueName)
    .mutation(({ ctx, input }) => ctx.patience.spend(resumeQueue(ctx.lovage, ctx.caller, input.name))),
};
