import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { statsSchema } from '../../wire/stats.ts';
import { type ApiParts, contextOf, type HttpEnv } from '../context.ts';
import type { Router } from '../trpc/router.ts';
import { json, problems } from './responses.ts';

const get = createRoute({
  operationId: 'getStats',
  method: 'get',
  path: '/stats',
  tags: ['queues'],
  summary: 'How the whole system stands: queues, what happened in the last minute, workers',
  responses: { 200: json(statsSchema, 'As it stands'), ...problems() },
});

export function mountStats(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  rest.openapi(get, async (c) => c.json(await router.createCaller(contextOf(parts, c)).stats.get(), 200));
}
