import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { LovageError } from '../../errors.ts';
import { faultsOf } from '../../json/faults.ts';
import { queueSchema } from '../../wire.ts';
import { readJson, readOptionalJson } from '../body.ts';
import { type ApiParts, contextOf, type HttpContext, type HttpEnv } from '../context.ts';
import { MAX_LIMIT_MS, pauseFields, queueLimits } from '../trpc/fields.ts';
import type { Router } from '../trpc/router.ts';
import { json, pageOf, problems } from './responses.ts';

const tags = ['queues'];
const params = z.object({
  name: z.string().openapi({ description: 'The name of a queue', example: 'filings' }),
});
const pauseBody = z.strictObject({ reason: pauseFields.shape.reason });
const paused = queueSchema.extend({ outcome: z.enum(['paused', 'already_paused']) }).openapi('PausedQueue');
const resumed = queueSchema.extend({ outcome: z.enum(['resumed', 'not_paused']) }).openapi('ResumedQueue');

const list = createRoute({
  operationId: 'listQueues',
  method: 'get',
  path: '/queues',
  tags,
  summary: 'List every queue: what holds its tasks back, how many wait and run',
  responses: { 200: json(pageOf(queueSchema), 'All of them'), ...problems() },
});

const get = createRoute({
  operationId: 'getQueue',
  method: 'get',
  path: '/queues/{name}',
  tags,
  summary: 'Show a queue',
  request: { params },
  responses: { 200: json(queueSchema, 'The queue'), ...problems('queue-not-found') },
});

const pause = createRoute({
  operationId: 'pauseQueue',
  method: 'post',
  path: '/queues/{name}/pause',
  tags,
  summary: 'Let nothing of a queue start until it is resumed; what runs goes on',
  request: {
    params,
    body: {
      required: false,
      content: {
        'application/json': {
          schema: {
            type: 'object',
            properties: { reason: { type: 'string', maxLength: 1000 } },
            additionalProperties: false,
          },
        },
      },
    },
  },
  responses: {
    200: json(paused, 'It is paused, by this call or already before'),
    ...problems('queue-not-found', 'malformed-json', 'validation', 'payload-too-large'),
  },
});

const resume = createRoute({
  operationId: 'resumeQueue',
  method: 'post',
  path: '/queues/{name}/resume',
  tags,
  summary: 'Let the tasks of a paused queue start again',
  request: { params },
  responses: {
    200: json(resumed, 'It is not paused, by this call or already before'),
    ...problems('queue-not-found'),
  },
});

const limit = createRoute({
  operationId: 'limitQueue',
  method: 'post',
  path: '/queues/{name}/limit',
  tags,
  summary: 'Change what holds a queue back: what is not named stays, null takes a limit away',
  request: {
    params,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: {
            type: 'object',
            minProperties: 1,
            properties: {
              concurrency: { type: ['integer', 'null'], minimum: 1, maximum: MAX_LIMIT_MS },
              perKey: { type: ['integer', 'null'], minimum: 1, maximum: MAX_LIMIT_MS },
              rate: {
                type: ['object', 'null'],
                properties: {
                  limit: { type: 'integer', minimum: 1, maximum: 1_000_000 },
                  periodMs: { type: 'integer', minimum: 1, maximum: 86_400_000 },
                },
                required: ['limit', 'periodMs'],
                additionalProperties: false,
              },
              asConfigured: {
                type: 'boolean',
                enum: [true],
                description: 'Back to the configuration, instead',
              },
            },
            additionalProperties: false,
          },
        },
      },
    },
  },
  responses: {
    200: json(queueSchema, 'The queue with its limits, which hold over restarts until asConfigured'),
    ...problems('queue-not-found', 'malformed-json', 'validation', 'payload-too-large'),
  },
});

export function mountQueues(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  const queuesFor = (c: HttpContext, suspicion?: Parameters<typeof contextOf>[2]) =>
    router.createCaller(contextOf(parts, c, suspicion)).queues;

  rest.openapi(list, async (c) => c.json(await queuesFor(c).list(), 200));

  rest.openapi(get, async (c) => c.json(await queuesFor(c).get(c.req.valid('param')), 200));

  rest.openapi(pause, async (c) => {
    const { value, suspicion } = await readOptionalJson(c.req.raw, parts.maxBodyBytes);
    const { data, error } = pauseBody.safeParse(value ?? {});
    if (error) throw new LovageError('validation', 'The body does not fit', { faults: faultsOf(error) });
    const { queue, outcome } = await queuesFor(c, suspicion).pause({ ...c.req.valid('param'), ...data });
    return c.json({ ...queue, outcome }, 200);
  });

  rest.openapi(limit, async (c) => {
    const { value, suspicion } = await readJson(c.req.raw, parts.maxBodyBytes);
    const { data, error } = queueLimits.safeParse(value);
    if (error) throw new LovageError('validation', 'The body does not fit', { faults: faultsOf(error) });
    return c.json(await queuesFor(c, suspicion).limit({ ...c.req.valid('param'), ...data }), 200);
  });

  rest.openapi(resume, async (c) => {
    const { queue, outcome } = await queuesFor(c).resume(c.req.valid('param'));
    return c.json({ ...queue, outcome }, 200);
  });
}
