import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { drainedWorkerSchema, workerSchema } from '../../wire/worker.ts';
import { type ApiParts, contextOf, type HttpEnv } from '../context.ts';
import type { Router } from '../trpc/router.ts';
import { workersQuery } from './parameters.ts';
import { json, pageOf, problems } from './responses.ts';

const list = createRoute({
  operationId: 'listWorkers',
  method: 'get',
  path: '/workers',
  tags: ['workers'],
  summary: 'List workers, the youngest first: what they serve, how many attempts they run, whether they live',
  request: { query: workersQuery },
  responses: { 200: json(pageOf(workerSchema), 'One page'), ...problems('validation') },
});

const params = z.object({
  id: z
    .string()
    .openapi({ description: 'The id of a worker', example: '0197b6f0-0000-7000-8000-000000000000' }),
});

const get = createRoute({
  operationId: 'getWorker',
  method: 'get',
  path: '/workers/{id}',
  tags: ['workers'],
  summary: 'Show a worker',
  request: { params },
  responses: { 200: json(workerSchema, 'The worker'), ...problems('worker-not-found') },
});

const drain = createRoute({
  operationId: 'drainWorker',
  method: 'post',
  path: '/workers/{id}/drain',
  tags: ['workers'],
  summary: 'Tell a worker to claim nothing more and to end, as SIGTERM does',
  request: { params },
  responses: {
    200: json(drainedWorkerSchema, 'It was told, by this call or already before, or has ended'),
    ...problems('worker-not-found'),
  },
});

export function mountWorkers(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  rest.openapi(list, async (c) => {
    const { workers } = router.createCaller(contextOf(parts, c));
    return c.json(await workers.list(c.req.valid('query')), 200);
  });

  rest.openapi(get, async (c) => {
    const { workers } = router.createCaller(contextOf(parts, c));
    return c.json(await workers.get(c.req.valid('param')), 200);
  });

  rest.openapi(drain, async (c) => {
    const { workers } = router.createCaller(contextOf(parts, c));
    const { worker, outcome } = await workers.drain(c.req.valid('param'));
    return c.json({ ...worker, outcome }, 200);
  });
}
