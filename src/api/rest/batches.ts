import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { LovageError } from '../../errors.ts';
import { faultsOf } from '../../json/faults.ts';
import { taskSchema } from '../../wire.ts';
import { acceptedBatchSchema, batchSchema, cancelledBatchSchema } from '../../wire/batches.ts';
import { readJson, readOptionalJson } from '../body.ts';
import { type ApiParts, contextOf, type HttpContext, type HttpEnv } from '../context.ts';
import { toInline } from '../openapi/schema.ts';
import { batchFields, cancelBatchFields } from '../trpc/batch-fields.ts';
import type { Router } from '../trpc/router.ts';
import { idempotencyHeader, markAnswer, markHeaders, readIdempotencyKey } from './idempotency.ts';
import { getQuery, listQuery, preferHeader } from './parameters.ts';
import { header, json, pageOf, problems } from './responses.ts';
import { readWait } from './waiting.ts';

const tags = ['batches'];
const params = z.object({
  id: z
    .string()
    .openapi({ description: 'The id of a batch', example: '0197b6f0-0000-7000-8000-000000000000' }),
});
const page = { cursor: listQuery.shape.cursor, limit: listQuery.shape.limit };
const cancelBody = z.strictObject({ reason: cancelBatchFields.shape.reason });
const bodyOf = (schema: z.ZodType, required: boolean) => ({
  required,
  content: { 'application/json': { schema: toInline(schema, 'input') } },
});

const create = createRoute({
  operationId: 'submitBatch',
  method: 'post',
  path: '/tasks:batch',
  tags,
  summary: 'Start up to 1,000 tasks together: all of them or none',
  request: { headers: z.object(idempotencyHeader), body: bodyOf(batchFields, true) },
  responses: {
    202: {
      ...json(acceptedBatchSchema, 'Accepted and committed, every task of it'),
      headers: markHeaders
        .pick({ 'Idempotency-Replayed': true })
        .extend({ Location: z.string(), 'Retry-After': z.string() }),
    },
    ...problems(
      'malformed-json',
      'validation',
      'payload-too-large',
      'not-configured',
      'conflict',
      'idempotency-key-reused',
    ),
  },
});

const list = createRoute({
  operationId: 'listBatches',
  method: 'get',
  path: '/batches',
  tags,
  summary: 'List batches, the newest first',
  request: { query: z.object(page) },
  responses: { 200: json(pageOf(batchSchema), 'One page'), ...problems('validation') },
});

const get = createRoute({
  operationId: 'getBatch',
  method: 'get',
  path: '/batches/{id}',
  tags,
  summary: 'Show a batch, at once or when it is finished',
  request: { params, query: z.object({ wait: getQuery.shape.wait }), headers: preferHeader },
  responses: {
    200: {
      ...json(batchSchema, 'The batch, in whatever state'),
      headers: { 'Preference-Applied': header('Preference-Applied') },
    },
    ...problems('batch-not-found', 'validation'),
  },
});

const tasks = createRoute({
  operationId: 'listBatchTasks',
  method: 'get',
  path: '/batches/{id}/tasks',
  tags,
  summary:
    'List the tasks of a batch in the order in which they were sent; include=result shows what each returned',
  request: { params, query: z.object({ ...page, include: listQuery.shape.include }) },
  responses: { 200: json(pageOf(taskSchema), 'One page'), ...problems('batch-not-found', 'validation') },
});

const cancel = createRoute({
  operationId: 'cancelBatch',
  method: 'post',
  path: '/batches/{id}/cancel',
  tags,
  summary: 'Cancel what has not ended of a batch',
  request: { params, body: bodyOf(cancelBody, false) },
  responses: {
    200: json(cancelledBatchSchema, 'Nothing of it runs, by this call or already before'),
    202: json(cancelledBatchSchema, 'Some of it runs; the handlers were told to stop'),
    ...problems('batch-not-found', 'malformed-json', 'validation', 'payload-too-large'),
  },
});

export function mountBatches(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  const batchesFor = (c: HttpContext, suspicion?: Parameters<typeof contextOf>[2]) =>
    router.createCaller(contextOf(parts, c, suspicion)).batches;

  rest.openapi(create, async (c) => {
    const { value, suspicion } = await readJson(c.req.raw, parts.maxBodyBytes);
    const idempotencyKey = readIdempotencyKey(c);
    const request = {
      ...fitting(batchFields, value),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    };
    const batch = await batchesFor(c, suspicion).create(request);
    markAnswer(c, batch);
    c.header('Location', batch.statusUrl);
    c.header('Retry-After', '1');
    return c.json(batch, 202);
  });

  rest.openapi(list, async (c) => c.json(await batchesFor(c).list(c.req.valid('query')), 200));

  rest.openapi(get, async (c) => {
    const { id } = c.req.valid('param');
    const timeoutMs = readWait(c, c.req.valid('query'));
    const batches = batchesFor(c);
    return c.json(timeoutMs > 0 ? await batches.wait({ id, timeoutMs }) : await batches.get({ id }), 200);
  });

  rest.openapi(tasks, async (c) =>
    c.json(await batchesFor(c).tasks({ ...c.req.valid('param'), ...c.req.valid('query') }), 200),
  );

  rest.openapi(cancel, async (c) => {
    const { value, suspicion } = await readOptionalJson(c.req.raw, parts.maxBodyBytes);
    const fields = { ...c.req.valid('param'), ...fitting(cancelBody, value ?? {}) };
    const { batch, outcome } = await batchesFor(c, suspicion).cancel(fields);
    return c.json({ ...batch, outcome }, outcome === 'requested' ? 202 : 200);
  });
}

function fitting<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(value);
  if (error) throw new LovageError('validation', 'The body does not fit', { faults: faultsOf(error) });
  return data;
}
