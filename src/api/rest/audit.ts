import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { auditSchema } from '../../wire/audit.ts';
import { type ApiParts, contextOf, type HttpEnv } from '../context.ts';
import { listAuditFields } from '../trpc/key-fields.ts';
import type { Router } from '../trpc/router.ts';
import { eventsQuery } from './parameters.ts';
import { json, pageOf, problems } from './responses.ts';

const { tenant, actor, action, target, since, until } = listAuditFields.shape;

const list = createRoute({
  operationId: 'listAudit',
  method: 'get',
  path: '/audit',
  tags: ['audit'],
  summary: 'Who changed what, from where and when, the newest first; refused calls too',
  request: {
    query: eventsQuery.extend({
      actor: actor.openapi({ example: 'key:ci' }),
      action: action.openapi({ example: 'tasks.cancel' }),
      target: target.openapi({ description: 'An id or a name' }),
      since: since.openapi({ description: 'Inclusive' }),
      until: until.openapi({ description: 'Exclusive' }),
      tenant: tenant.openapi({
        description: 'The root key sees what was done in every tenant, and here only in this one',
      }),
    }),
  },
  responses: { 200: json(pageOf(auditSchema), 'One page'), ...problems('validation') },
});

export function mountAudit(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  rest.openapi(list, async (c) => {
    const { audit } = router.createCaller(contextOf(parts, c));
    return c.json(await audit.list(c.req.valid('query')), 200);
  });
}
