import { z } from 'zod';
import { listAttempts } from '../../tasks/attempts.ts';
import { cancelTask } from '../../tasks/cancel.ts';
import { listEvents } from '../../tasks/events.ts';
import { getTask } from '../../tasks/get.ts';
import { listTasks } from '../../tasks/list.ts';
import { getResult } from '../../tasks/result.ts';
import { awaitTask } from '../await-task.ts';
import { enqueueAndWait } from './enqueue.ts';
import {
  cancelFields,
  enqueueOptions,
  eventsFields,
  getFields,
  listFields,
  taskId,
  waitFields,
} from './fields.ts';
import { procedureFor } from './procedures.ts';

const reading = procedureFor('read');

/** Every verb on tasks, once, for all adapters. */
export const taskProcedures = {
  enqueue: procedureFor('enqueue')
    .input(enqueueOptions.extend({ name: z.string(), input: z.unknown() }))
    .mutation(({ ctx, input: { name, input, ...options } }) => enqueueAndWait(ctx, { name, input, options })),

  get: reading
    .input(getFields)
    .query(({ ctx, input: { id, include } }) =>
      ctx.patience.spend(getTask(ctx.lovage, ctx.caller, id, include)),
    ),

  list: reading
    .input(listFields.prefault({}))
    .query(({ ctx, input }) => ctx.patience.spend(listTasks(ctx.lovage, ctx.caller, input))),

  events: reading
    .input(eventsFields)
    .query(({ ctx, input: { id, ...page } }) =>
      ctx.patience.spend(listEvents(ctx.lovage, ctx.caller, id, page)),
    ),

  attempts: reading
    .input(taskId)
    .query(({ ctx, input }) => ctx.patience.spend(listAttempts(ctx.lovage, ctx.caller, input.id))),

  result: reading
    .input(taskId)
    .query(({ ctx, input }) => ctx.patience.spend(getResult(ctx.lovage, ctx.caller, input.id))),

  cancel: procedureFor('cancel')
    .input(cancelFields)
    .mutation(({ ctx, input: { id, ...options } }) =>
      ctx.patience.spend(cancelTask(ctx.lovage, ctx.caller, id, options)),
    ),

  wait: reading.input(waitFields).query(({ ctx, input }) => awaitTask(ctx, input.id, input.timeoutMs)),
};
