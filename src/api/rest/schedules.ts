import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { LovageError } from '../../errors.ts';
import { faultsOf } from '../../json/faults.ts';
import { ruleFields, scheduleFields } from '../../schedules/fields.ts';
import { taskSchema } from '../../wire.ts';
import { occurrencesSchema, scheduleRunSchema, scheduleSchema } from '../../wire/schedules.ts';
import { readJson } from '../body.ts';
import { type ApiParts, contextOf, type HttpContext, type HttpEnv } from '../context.ts';
import { toInline } from '../openapi/schema.ts';
import { previewCount } from '../trpc/schedules.ts';
import type { Router } from '../trpc/router.ts';
import { eventsQuery } from './parameters.ts';
import { json, pageOf, problems } from './responses.ts';

const tags = ['schedules'];
const params = z.object({
  name: z.string().openapi({ description: 'The name of a schedule', example: 'nightly-cleanup' }),
});
const putBody = scheduleFields.omit({ name: true });
const previewBody = ruleFields.extend({ n: previewCount.optional() });
const previewQuery = z.object({
  n: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a whole number')
    .transform(Number)
    .pipe(previewCount)
    .optional()
    .openapi({ type: 'integer', minimum: 1, maximum: previewCount.maxValue ?? 0, description: 'Default 10' }),
});
const bodyOf = (schema: z.ZodType) => ({
  required: true,
  content: { 'application/json': { schema: toInline(schema, 'input') } },
});
const bodyFaults = ['malformed-json', 'validation', 'payload-too-large'] as const;
const paused = scheduleSchema
  .extend({ outcome: z.enum(['paused', 'already_paused']) })
  .openapi('PausedSchedule');
const resumed = scheduleSchema
  .extend({ outcome: z.enum(['resumed', 'not_paused']) })
  .openapi('ResumedSchedule');

const list = createRoute({
  operationId: 'listSchedules',
  method: 'get',
  path: '/schedules',
  tags,
  summary: 'List schedules by name',
  request: { query: eventsQuery },
  responses: { 200: json(pageOf(scheduleSchema), 'One page'), ...problems('validation') },
});

const get = createRoute({
  operationId: 'getSchedule',
  method: 'get',
  path: '/schedules/{name}',
  tags,
  summary: 'Show a schedule',
  request: { params },
  responses: { 200: json(scheduleSchema, 'The schedule'), ...problems('schedule-not-found') },
});

const put = createRoute({
  operationId: 'putSchedule',
  method: 'put',
  path: '/schedules/{name}',
  tags,
  summary: 'Create a schedule or replace it: cron or rrule says when its task runs',
  request: { params, body: bodyOf(putBody) },
  responses: {
    200: json(scheduleSchema, 'It is replaced; a pause and the record of its runs stay'),
    201: json(scheduleSchema, 'It is created'),
    ...problems('unknown-task-name', 'conflict', ...bodyFaults),
  },
});

const remove = createRoute({
  operationId: 'removeSchedule',
  method: 'delete',
  path: '/schedules/{name}',
  tags,
  summary: 'Remove a schedule; its tasks stay',
  request: { params },
  responses: { 204: { description: 'It is gone' }, ...problems('schedule-not-found', 'conflict') },
});

const pause = createRoute({
  operationId: 'pauseSchedule',
  method: 'post',
  path: '/schedules/{name}/pause',
  tags,
  summary: 'Let a schedule start nothing until it is resumed',
  request: { params },
  responses: {
    200: json(paused, 'It is paused, by this call or already before'),
    ...problems('schedule-not-found'),
  },
});

const resume = createRoute({
  operationId: 'resumeSchedule',
  method: 'post',
  path: '/schedules/{name}/resume',
  tags,
  summary: 'Let a paused schedule go on with its next time',
  request: { params },
  responses: {
    200: json(resumed, 'It is not paused, by this call or already before'),
    ...problems('schedule-not-found'),
  },
});

const run = createRoute({
  operationId: 'runSchedule',
  method: 'post',
  path: '/schedules/{name}/run',
  tags,
  summary: 'Start the task of a schedule now; its times stay as they are',
  request: { params },
  responses: {
    202: {
      ...json(taskSchema, 'The task, accepted and committed'),
      headers: z.object({ Location: z.string() }),
    },
    ...problems('schedule-not-found', 'unknown-task-name', 'conflict', 'validation'),
  },
});

const runs = createRoute({
  operationId: 'listScheduleRuns',
  method: 'get',
  path: '/schedules/{name}/runs',
  tags,
  summary: 'List what became of the times of a schedule, the latest first',
  request: { params, query: eventsQuery },
  responses: {
    200: json(pageOf(scheduleRunSchema), 'One page'),
    ...problems('schedule-not-found', 'validation'),
  },
});

const preview = createRoute({
  operationId: 'previewSchedule',
  method: 'get',
  path: '/schedules/{name}/preview',
  tags,
  summary: 'When a schedule runs next, were it not paused',
  request: { params, query: previewQuery },
  responses: {
    200: json(occurrencesSchema, 'Its next times'),
    ...problems('schedule-not-found', 'validation'),
  },
});

const previewRule = createRoute({
  operationId: 'previewRule',
  method: 'post',
  path: '/schedules:preview',
  tags,
  summary: 'When a rule that is not saved would run next',
  request: { body: bodyOf(previewBody) },
  responses: { 200: json(occurrencesSchema, 'Its next times'), ...problems(...bodyFaults) },
});

export function mountSchedules(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  const schedulesFor = (c: HttpContext, suspicion?: Parameters<typeof contextOf>[2]) =>
    router.createCaller(contextOf(parts, c, suspicion)).schedules;

  async function read<Schema extends z.ZodType>(c: HttpContext, schema: Schema) {
    const { value, suspicion } = await readJson(c.req.raw, parts.maxBodyBytes);
    const { data, error } = schema.safeParse(value);
    if (error) throw new LovageError('validation', 'The body does not fit', { faults: faultsOf(error) });
    return { data, schedules: schedulesFor(c, suspicion) };
  }

  rest.openapi(list, async (c) => c.json(await schedulesFor(c).list(c.req.valid('query')), 200));
  rest.openapi(get, async (c) => c.json(await schedulesFor(c).get(c.req.valid('param')), 200));

  rest.openapi(put, async (c) => {
    const { data, schedules } = await read(c, putBody);
    const { schedule, outcome } = await schedules.put({ ...data, ...c.req.valid('param') });
    return c.json(schedule, outcome === 'created' ? 201 : 200);
  });

  rest.openapi(remove, async (c) => {
    await schedulesFor(c).remove(c.req.valid('param'));
    return c.body(null, 204);
  });

  rest.openapi(pause, async (c) => {
    const { schedule, outcome } = await schedulesFor(c).pause(c.req.valid('param'));
    return c.json({ ...schedule, outcome }, 200);
  });

  rest.openapi(resume, async (c) => {
    const { schedule, outcome } = await schedulesFor(c).resume(c.req.valid('param'));
    return c.json({ ...schedule, outcome }, 200);
  });

  rest.openapi(run, async (c) => {
    const task = await schedulesFor(c).run(c.req.valid('param'));
    c.header('Location', task.statusUrl);
    return c.json(task, 202);
  });

  rest.openapi(runs, async (c) =>
    c.json(await schedulesFor(c).runs({ ...c.req.valid('param'), ...c.req.valid('query') }), 200),
  );
  rest.openapi(preview, async (c) =>
    c.json(await schedulesFor(c).preview({ ...c.req.valid('param'), ...c.req.valid('query') }), 200),
  );
  rest.openapi(previewRule, async (c) => {
    const { data, schedules } = await read(c, previewBody);
    return c.json(await schedules.previewRule(data), 200);
  });
}
