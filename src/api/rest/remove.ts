import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { type ApiParts, contextOf, type HttpEnv } from '../context.ts';
import type { Router } from '../trpc/router.ts';
import { idParameter } from './parameters.ts';
import { problems } from './responses.ts';

const remove = createRoute({
  operationId: 'removeTask',
  method: 'delete',
  path: '/tasks/{id}',
  tags: ['tasks'],
  summary: 'Remove a final task for good: its input, result, history and webhook deliveries',
  request: { params: idParameter },
  responses: {
    204: { description: 'It is gone' },
    ...problems('task-not-found', 'conflict'),
  },
});

export function mountRemove(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  rest.openapi(remove, async (c) => {
    await router.createCaller(contextOf(parts, c)).tasks.remove(c.req.valid('param'));
    return c.body(null, 204);
  });
}
