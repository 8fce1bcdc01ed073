import { z } from 'zod';
import { listAttempts } from '../../tasks/attempts.ts';
import { cancelTasks } from '../../tasks/cancel-all.ts';
import { cancelTask } from '../../tasks/cancel.ts';
import { listEvents } from '../../tasks/events.ts';
import { explainTask } from '../../tasks/explain.ts';
import { getTask } from '../../tasks/get.ts';
import { listTasks } from '../../tasks/list.ts';
import { removeTask } from '../../tasks/remove.ts';
import { getResult } from '../../tasks/result.ts';
import { retryTasks } from '../../tasks/retry-all.ts';
import { retryTask } from '../../tasks/retry.ts';
import { awaitTask } from '../await-task.ts';
import { enqueueAndWait } from './enqueue.ts';
import {
  cancelAllFields,
  cancelFields,
  enqueueOptions,
  eventsFields,
  getFields,
  listFields,
  sweepFields,
  taskId,
  waitFields,
} from './fields.ts';
import { procedureFor } from './procedures.ts';
import { streamProcedures } from './streams.ts';

const reading = procedureFor('read');
const enqueuing = procedureFor('enqueue');
const cancelling = procedureFor('cancel');
const removing = procedureFor('admin');

/** Every verb on tasks, once, for all adapters. */
export const taskProcedures = {
  enqueue: enqueuing
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

  cancel: cancelling
    .input(cancelFields)
    .mutation(({ ctx, input: { id, ...options } }) =>
      ctx.patience.spend(cancelTask(ctx.lovage, ctx.caller, id, options)),
    ),

  cancelAll: cancelling
    .input(cancelAllFields)
    .mutation(({ ctx, input }) => ctx.patience.spend(cancelTasks(ctx.lovage, ctx.caller, input))),

  retry: enqueuing
    .input(taskId)
    .mutation(({ ctx, input }) => ctx.patience.spend(retryTask(ctx.lovage, ctx.caller, input.id))),

  retryAll: enqueuing
    .input(sweepFields)
    .mutation(({ ctx, input }) => ctx.patience.spend(retryTasks(ctx.lovage, ctx.caller, input))),

  /** What operators would look at is gone then, so it takes an admin. */
  remove: removing
    .input(taskId)
    .mutation(({ ctx, input }) => ctx.patience.spend(removeTask(ctx.lovage, ctx.caller, input.id))),

  explain: reading
    .input(taskId)
    .query(({ ctx, input }) => ctx.patience.spend(explainTask(ctx.lovage, ctx.caller, input.id))),

  wait: reading.input(waitFields).query(({ ctx, input }) => awaitTask(ctx, input.id, input.timeoutMs)),

  ...streamProcedures,
};
