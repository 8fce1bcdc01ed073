import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { taskSchema } from '../../wire.ts';
import { type ApiParts, contextOf, type HttpEnv } from '../context.ts';
import { presentTask } from '../present.ts';
import type { Router } from '../trpc/router.ts';
import { idParameter } from './parameters.ts';
import { json, problems } from './responses.ts';

const retried = taskSchema.extend({ outcome: z.enum(['queued', 'not_final']) }).openapi('RetriedTask');

const retry = createRoute({
  operationId: 'retryTask',
  method: 'post',
  path: '/tasks/{id}/retry',
  tags: ['tasks'],
  summary: 'Run a final task again under its own id: its budget is renewed, its history kept',
  request: { params: idParameter },
  responses: {
    200: json(retried, 'It is not final: nothing was changed'),
    202: json(retried, 'It is queued again'),
    ...problems('task-not-found', 'conflict'),
  },
});

export function mountRetry(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  rest.openapi(retry, async (c) => {
    const { tasks } = router.createCaller(contextOf(parts, c));
    const { task, outcome } = await tasks.retry(c.req.valid('param'));
    return c.json({ ...presentTask(task, []), outcome }, outcome === 'queued' ? 202 : 200);
  });
}
