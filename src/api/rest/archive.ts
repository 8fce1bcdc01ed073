import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { archivePlanSchema } from '../../wire/archive.ts';
import { type ApiParts, contextOf, type HttpEnv } from '../context.ts';
import type { Router } from '../trpc/router.ts';
import { json, problems } from './responses.ts';

const plan = createRoute({
  operationId: 'planArchive',
  method: 'get',
  path: '/archive/plan',
  tags: ['archive'],
  summary: 'Show what would move into the archive, and what expires when',
  responses: { 200: json(archivePlanSchema, 'The plan; nothing is changed'), ...problems() },
});

export function mountArchive(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  rest.openapi(plan, async (c) => {
    const { archive } = router.createCaller(contextOf(parts, c));
    return c.json(await archive.plan(), 200);
  });
}
