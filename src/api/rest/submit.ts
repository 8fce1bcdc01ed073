import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { LovageError } from '../../errors.ts';
import { isFinal, taskSchema } from '../../wire.ts';
import { sealCallback } from '../../webhooks/callback.ts';
import { readJson } from '../body.ts';
import { type ApiParts, contextOf, type HttpEnv } from '../context.ts';
import type { Router } from '../trpc/router.ts';
import { idempotencyHeader, markAnswer, markHeaders, readIdempotencyKey } from './idempotency.ts';
import { appliedPreference, submitHeaders, submitQuery } from './parameters.ts';
import { json, problems } from './responses.ts';
import { readWait } from './waiting.ts';

const submitResponses = {
  200: {
    ...json(
      taskSchema,
      'The final task, its result inside, also when it failed: the caller waited, or it was there before',
    ),
    headers: markHeaders.extend(appliedPreference),
  },
  202: {
    ...json(taskSchema, 'Accepted and committed, and not final yet'),
    headers: markHeaders.extend({ ...appliedPreference, Location: z.string(), 'Retry-After': z.string() }),
  },
  ...problems(
    'unknown-task-name',
    'not-configured',
    'malformed-json',
    'validation',
    'idempotency-key-reused',
    'conflict',
    'payload-too-large',
  ),
};

// One template for both: OpenAPI takes `/tasks/{name}` beside `/tasks/{id}` for the same path twice.
const submit = createRoute({
  operationId: 'submitTask',
  method: 'post',
  path: '/tasks/{id}',
  tags: ['tasks'],
  summary: 'Start a task by the name of its definition, such as filings.analyze',
  request: {
    params: z.object({
      id: z.string().openapi({ description: 'Here: the name of a definition', example: 'filings.analyze' }),
    }),
    query: submitQuery,
    headers: submitHeaders.extend(idempotencyHeader),
    body: {
      required: true,
      content: { 'application/json': { schema: { description: 'The input of the definition' } } },
    },
  },
  responses: submitResponses,
});

export function mountSubmit(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  rest.openapi(submit, async (c) => {
    const query = c.req.valid('query');
    const { wait: _wait, async: _async, callbackUrl, ...options } = query;
    const callback = readCallback(parts, callbackUrl, c.req.valid('header')[SECRET_HEADER]);
    const waitMs = readWait(c, query);
    const body = await readJson(c.req.raw, parts.maxBodyBytes);
    const context = { ...contextOf(parts, c, body.suspicion), inputText: body.text };
    const task = await router.createCaller(context).tasks.enqueue({
      ...options,
      callback,
      name: c.req.valid('param').id,
      input: body.value,
      waitMs,
      idempotencyKey: readIdempotencyKey(c),
    });
    markAnswer(c, task);
    if (isFinal(task.state)) return c.json(task, 200);
    c.header('Location', task.statusUrl);
    c.header('Retry-After', '1');
    return c.json(task, 202);
  });
}

/** The secret comes in a header: URLs get into logs. */
const SECRET_HEADER = 'lovage-callback-secret';

function readCallback({ lovage }: ApiParts, url: string | undefined, secret: string | undefined) {
  if (url !== undefined) {
    // Refused here by the names that they have here: a pointer of the verb would lead into the task's input.
    sealCallback(lovage, { url, secret }, { url: 'callbackUrl', secret: SECRET_HEADER });
    return { url, secret };
  }
  if (secret === undefined) return undefined;
  throw new LovageError('validation', 'A secret of a callback needs its callbackUrl', {
    faults: [{ pointer: 'callbackUrl', detail: 'is missing' }],
  });
}
