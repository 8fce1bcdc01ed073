import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { LovageError } from '../../errors.ts';
import { faultsOf } from '../../json/faults.ts';
import { readJson } from '../body.ts';
import { type ApiParts, contextOf, type HttpContext, type HttpEnv } from '../context.ts';
import { toInline } from '../openapi/schema.ts';
import { cancelAllFields, sweepFields } from '../trpc/fields.ts';
import type { Router } from '../trpc/router.ts';
import { json, problems } from './responses.ts';

const count = z.int().min(0);
const skipped = count.openapi({ description: 'Those that no longer matched when their turn came' });
const nextCursor = z
  .string()
  .nullable()
  .openapi({ description: 'Send the same body again with this as cursor; null when all were looked at' });

const retried = z.object({ queued: count, skipped, nextCursor }).openapi('RetriedTasks');
const cancelled = z
  .object({ cancelled: count, requested: count, skipped, nextCursor })
  .openapi('CancelledTasks');

const bodyOf = (schema: z.ZodType) => ({
  required: true,
  content: { 'application/json': { schema: toInline(schema, 'input') } },
});
const faults = problems('malformed-json', 'validation', 'payload-too-large');

const retryAll = createRoute({
  operationId: 'retryTasks',
  method: 'post',
  path: '/tasks:retry',
  tags: ['tasks'],
  summary: 'Run the final tasks that match again: the failed ones, unless state says otherwise',
  request: { body: bodyOf(sweepFields) },
  responses: {
    200: json(retried, 'None was queued'),
    202: json(retried, 'So many are queued again'),
    ...faults,
  },
});

const cancelAll = createRoute({
  operationId: 'cancelTasks',
  method: 'post',
  path: '/tasks:cancel',
  tags: ['tasks'],
  summary: 'Cancel the tasks that match: all that are not final, unless state says otherwise',
  request: { body: bodyOf(cancelAllFields) },
  responses: {
    200: json(cancelled, 'All of these are final now'),
    202: json(cancelled, 'Some run; their handlers were told to stop'),
    ...faults,
  },
});

/** One or all that match: at most `limit` tasks a call, in one transaction. */
export function mountSweeps(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  async function read<Schema extends z.ZodType>(c: HttpContext, schema: Schema) {
    const { value, suspicion } = await readJson(c.req.raw, parts.maxBodyBytes);
    const { data, error } = schema.safeParse(value);
    if (error) throw new LovageError('validation', 'The body does not fit', { faults: faultsOf(error) });
    return { filter: data, tasks: router.createCaller(contextOf(parts, c, suspicion)).tasks };
  }

  rest.openapi(retryAll, async (c) => {
    const { tasks, filter } = await read(c, sweepFields);
    const done = await tasks.retryAll(filter);
    return c.json(done, done.queued > 0 ? 202 : 200);
  });

  rest.openapi(cancelAll, async (c) => {
    const { tasks, filter } = await read(c, cancelAllFields);
    const done = await tasks.cancelAll(filter);
    return c.json(done, done.requested > 0 ? 202 : 200);
  });
}
