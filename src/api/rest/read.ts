import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { attemptSchema, eventSchema, explanationSchema, taskSchema } from '../../wire.ts';
import { type ApiParts, contextOf, type HttpContext, type HttpEnv } from '../context.ts';
import { INCLUDES, presentTask } from '../present.ts';
import type { Router } from '../trpc/router.ts';
import { etagOf, matchesEtag } from './etag.ts';
import { eventsQuery, getHeaders, getQuery, idParameter, listQuery } from './parameters.ts';
import { header, json, pageOf, problems } from './responses.ts';
import { readWait } from './waiting.ts';

const tags = ['tasks'];
const params = idParameter;

const list = createRoute({
  operationId: 'listTasks',
  method: 'get',
  path: '/tasks',
  tags,
  summary: 'List tasks, the newest first',
  request: { query: listQuery },
  responses: { 200: json(pageOf(taskSchema), 'One page'), ...problems('validation') },
});

const shown = { ETag: header('ETag'), 'Preference-Applied': header('Preference-Applied') };

const get = createRoute({
  operationId: 'getTask',
  method: 'get',
  path: '/tasks/{id}',
  tags,
  summary: 'Show a task, at once or when it is final',
  request: { params, query: getQuery, headers: getHeaders },
  responses: {
    200: { ...json(taskSchema, 'The task, in whatever state'), headers: shown },
    304: { description: 'Unchanged since the ETag in If-None-Match', headers: shown },
    ...problems('task-not-found', 'validation'),
  },
});

const result = createRoute({
  operationId: 'getResult',
  method: 'get',
  path: '/tasks/{id}/result',
  tags,
  summary: 'The bare result of a succeeded task',
  request: { params },
  responses: {
    200: json(z.any(), 'The result'),
    ...problems('task-not-found', 'conflict', 'result-expired'),
  },
});

const events = createRoute({
  operationId: 'listEvents',
  method: 'get',
  path: '/tasks/{id}/events',
  tags,
  summary: 'The history of a task, the oldest first',
  request: { params, query: eventsQuery },
  responses: { 200: json(pageOf(eventSchema), 'One page'), ...problems('task-not-found', 'validation') },
});

const attempts = createRoute({
  operationId: 'listAttempts',
  method: 'get',
  path: '/tasks/{id}/attempts',
  tags,
  summary: 'The attempts of a task, the oldest first',
  request: { params },
  responses: { 200: json(pageOf(attemptSchema), 'All of them'), ...problems('task-not-found') },
});

const explain = createRoute({
  operationId: 'explainTask',
  method: 'get',
  path: '/tasks/{id}/explain',
  tags,
  summary: 'Why a task is not running now, and since when',
  request: { params },
  responses: {
    200: json(explanationSchema, 'All that holds it back, the most decisive first'),
    ...problems('task-not-found'),
  },
});

export function mountReads(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  const tasksFor = (c: HttpContext) => router.createCaller(contextOf(parts, c)).tasks;

  rest.openapi(list, async (c) => c.json(await tasksFor(c).list(c.req.valid('query')), 200));

  rest.openapi(get, async (c) => {
    const { id } = c.req.valid('param');
    const query = c.req.valid('query');
    const timeoutMs = readWait(c, query);
    const tasks = tasksFor(c);
    const include = query.include ?? [...INCLUDES];
    const found = timeoutMs > 0 ? await tasks.wait({ id, timeoutMs }) : await tasks.get({ id, include });
    const task = presentTask(found, include);
    const etag = etagOf(task);
    c.header('ETag', etag);
    c.header('Cache-Control', 'private, no-cache');
    if (matchesEtag(c.req.header('if-none-match'), etag)) return c.body(null, 304);
    return c.json(task, 200);
  });

  rest.openapi(result, async (c) => c.json((await tasksFor(c).result(c.req.valid('param'))) ?? null, 200));

  rest.openapi(events, async (c) =>
    c.json(await tasksFor(c).events({ ...c.req.valid('param'), ...c.req.valid('query') }), 200),
  );

  rest.openapi(explain, async (c) => c.json(await tasksFor(c).explain(c.req.valid('param')), 200));

  rest.openapi(attempts, async (c) => c.json(await tasksFor(c).attempts(c.req.valid('param')), 200));
}
