import { z } from 'zod';
import { ruleFields, scheduleFields } from '../../schedules/fields.ts';
import { getSchedule } from '../../schedules/get.ts';
import { listSchedules } from '../../schedules/list.ts';
import { pauseSchedule } from '../../schedules/pause.ts';
import { MAX_PREVIEW, previewRule, previewSchedule } from '../../schedules/preview.ts';
import { putSchedule } from '../../schedules/put.ts';
import { removeSchedule } from '../../schedules/remove.ts';
import { resumeSchedule } from '../../schedules/resume.ts';
import { runSchedule } from '../../schedules/run.ts';
import { listRuns } from '../../schedules/runs.ts';
import { presentTask } from '../present.ts';
import { listFields } from './fields.ts';
import { procedureFor } from './procedures.ts';

const reading = procedureFor('read');
const enqueuing = procedureFor('enqueue');
const operating = procedureFor('admin');

// Postgres takes NUL in no text at all.
const scheduleName = z.object({
  name: z
    .string()
    .max(100)
    .refine((name) => !name.includes('\0'), 'holds NUL'),
});
export const previewCount = z.int().min(1).max(MAX_PREVIEW);
const schedulePage = listFields.pick({ cursor: true, limit: true });
const n = previewCount.optional();

/** Every verb on schedules. */
export const scheduleProcedures = {
  list: reading
    .input(schedulePage.prefault({}))
    .query(({ ctx, input }) => ctx.patience.spend(listSchedules(ctx.lovage, ctx.caller, input))),

  get: reading
    .input(scheduleName)
    .query(({ ctx, input }) => ctx.patience.spend(getSchedule(ctx.lovage, ctx.caller, input.name))),

  put: operating
    .input(scheduleFields)
    .mutation(({ ctx, input }) => ctx.patience.spend(putSchedule(ctx.lovage, ctx.caller, input))),

  remove: operating
    .input(scheduleName)
    .mutation(({ ctx, input }) => ctx.patience.spend(removeSchedule(ctx.lovage, ctx.caller, input.name))),

  pause: operating
    .input(scheduleName)
    .mutation(({ ctx, input }) => ctx.patience.spend(pauseSchedule(ctx.lovage, ctx.caller, input.name))),

  resume: operating
    .input(scheduleName)
    .mutation(({ ctx, input }) => ctx.patience.spend(resumeSchedule(ctx.lovage, ctx.caller, input.name))),

  run: enqueuing.input(scheduleName).mutation(async ({ ctx, input }) => {
    const task = await ctx.patience.spend(runSchedule(ctx.lovage, ctx.caller, input.name));
    return presentTask(task, []);
  }),

  runs: reading
    .input(scheduleName.extend(schedulePage.shape))
    .query(({ ctx, input: { name, ...page } }) =>
      ctx.patience.spend(listRuns(ctx.lovage, ctx.caller, name, page)),
    ),

  preview: reading
    .input(scheduleName.extend({ n }))
    .query(({ ctx, input: { name, ...options } }) =>
      ctx.patience.spend(previewSchedule(ctx.lovage, ctx.caller, name, options)),
    ),

  /** Of a rule that is not saved. */
  previewRule: reading
    .input(ruleFields.extend({ n }))
    .query(({ ctx, input }) => ctx.patience.spend(previewRule(ctx.lovage, input))),
};
