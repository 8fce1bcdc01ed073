import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { workerSchema } from '../../wire/worker.ts';
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

export function mountWorkers(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  rest.openapi(list, async (c) => {
    const { workers } = router.createCaller(contextOf(parts, c));
    return c.json(await workers.list(c.req.valid('query')), 200);
  });
}
