import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { LovageError } from '../errors.ts';
import type { ApiParts, HttpEnv } from './context.ts';
import { json, openProblems } from './rest/responses.ts';

const state = z.object({ status: z.string(), version: z.string() });
const open = { method: 'get' as const, tags: ['health'], security: [] };

const live = createRoute({
  ...open,
  operationId: 'healthz',
  path: '/healthz',
  summary: 'Whether the process lives',
  responses: { 200: json(state, 'It does'), ...openProblems() },
});

const ready = createRoute({
  ...open,
  operationId: 'readyz',
  path: '/readyz',
  summary:
    'Whether it can do its work now: migrated, Postgres answers, and the worker, if it has one, claims',
  responses: {
    200: json(state, 'It can'),
    ...openProblems('queue-unavailable'),
  },
});

export function mountHealth(app: OpenAPIHono<HttpEnv>, parts: ApiParts): void {
  app.openapi(live, (c) => c.json({ status: 'ok', version: parts.version }, 200));
  app.openapi(ready, async (c) => {
    if (!(await parts.isReady())) {
      throw new LovageError('queue-unavailable', 'Postgres, its schema or the worker is missing', {
        retryAfter: 1,
      });
    }
    return c.json({ status: 'ready', version: parts.version }, 200);
  });
}
