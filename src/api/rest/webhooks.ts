import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { LovageError } from '../../errors.ts';
import { faultsOf } from '../../json/faults.ts';
import { webhookSchema, webhookWithSecretSchema } from '../../wire/webhooks.ts';
import { readJson, readOptionalJson } from '../body.ts';
import { type ApiParts, contextOf, type HttpContext, type HttpEnv } from '../context.ts';
import { toInline } from '../openapi/schema.ts';
import type { Router } from '../trpc/router.ts';
import { newWebhook, rotation, webhookChange } from '../trpc/webhook-fields.ts';
import { json, pageOf, problems } from './responses.ts';

const tags = ['webhooks'];
export const webhookParams = z.object({
  id: z
    .string()
    .openapi({ description: 'The id of a webhook', example: '0197b6f0-0000-7000-8000-000000000000' }),
});
const bodyOf = (schema: z.ZodType, required = true) => ({
  required,
  content: { 'application/json': { schema: toInline(schema, 'input') } },
});
const bodyProblems = ['malformed-json', 'validation', 'payload-too-large'] as const;

const list = createRoute({
  operationId: 'listWebhooks',
  method: 'get',
  path: '/webhooks',
  tags,
  summary: 'List webhooks, the oldest first',
  responses: { 200: json(pageOf(webhookSchema), 'All of them'), ...problems() },
});

const create = createRoute({
  operationId: 'createWebhook',
  method: 'post',
  path: '/webhooks',
  tags,
  summary: 'Be told of the ends of the tasks that are accepted from now on',
  request: { body: bodyOf(newWebhook) },
  responses: {
    201: {
      ...json(webhookWithSecretSchema, 'It is there; its secret is shown this once'),
      headers: z.object({ Location: z.string() }),
    },
    ...problems('conflict', 'not-configured', ...bodyProblems),
  },
});

const get = createRoute({
  operationId: 'getWebhook',
  method: 'get',
  path: '/webhooks/{id}',
  tags,
  summary: 'Show a webhook',
  request: { params: webhookParams },
  responses: { 200: json(webhookSchema, 'The webhook'), ...problems('webhook-not-found') },
});

const update = createRoute({
  operationId: 'updateWebhook',
  method: 'patch',
  path: '/webhooks/{id}',
  tags,
  summary: 'Change where a webhook goes and what it tells of, disable it or enable it again',
  request: { params: webhookParams, body: bodyOf(webhookChange) },
  responses: {
    200: json(webhookSchema, 'As it is now'),
    ...problems('webhook-not-found', ...bodyProblems),
  },
});

const remove = createRoute({
  operationId: 'removeWebhook',
  method: 'delete',
  path: '/webhooks/{id}',
  tags,
  summary: 'Remove a webhook; its deliveries stay to be read',
  request: { params: webhookParams },
  responses: { 200: json(webhookSchema, 'As it was'), ...problems('webhook-not-found') },
});

const rotate = createRoute({
  operationId: 'rotateWebhook',
  method: 'post',
  path: '/webhooks/{id}/rotate',
  tags,
  summary: 'Give a webhook a new secret; the former one signs too until its grace, a day by default, is over',
  request: { params: webhookParams, body: bodyOf(rotation, false) },
  responses: {
    200: json(webhookWithSecretSchema, 'Its new secret is shown this once'),
    ...problems('webhook-not-found', 'not-configured', ...bodyProblems),
  },
});

export function mountWebhooks(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  const webhooksFor = (c: HttpContext, suspicion?: Parameters<typeof contextOf>[2]) =>
    router.createCaller(contextOf(parts, c, suspicion)).webhooks;

  async function read<Schema extends z.ZodType>(c: HttpContext, schema: Schema, isOptional = false) {
    const readBody = isOptional ? readOptionalJson : readJson;
    const { value, suspicion } = await readBody(c.req.raw, parts.maxBodyBytes);
    const { data, error } = schema.safeParse(isOptional ? (value ?? {}) : value);
    if (error) throw new LovageError('validation', 'The body does not fit', { faults: faultsOf(error) });
    return { body: data, webhooks: webhooksFor(c, suspicion) };
  }

  rest.openapi(list, async (c) => c.json(await webhooksFor(c).list(), 200));
  rest.openapi(create, async (c) => {
    const { body, webhooks } = await read(c, newWebhook);
    const made = await webhooks.create(body);
    c.header('Location', `/v1/webhooks/${made.id}`);
    return c.json(made, 201);
  });
  rest.openapi(get, async (c) => c.json(await webhooksFor(c).get(c.req.valid('param')), 200));
  rest.openapi(update, async (c) => {
    const { body, webhooks } = await read(c, webhookChange);
    return c.json(await webhooks.update({ ...c.req.valid('param'), ...body }), 200);
  });
  rest.openapi(remove, async (c) => c.json(await webhooksFor(c).remove(c.req.valid('param')), 200));
  rest.openapi(rotate, async (c) => {
    const { body, webhooks } = await read(c, rotation, true);
    return c.json(await webhooks.rotate({ ...c.req.valid('param'), ...body }), 200);
  });
}
