import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { deliverySchema, deliveryWithTriesSchema } from '../../wire/webhooks.ts';
import { type ApiParts, contextOf, type HttpContext, type HttpEnv } from '../context.ts';
import type { Router } from '../trpc/router.ts';
import { deliveryFilter } from '../trpc/webhook-fields.ts';
import { eventsQuery } from './parameters.ts';
import { json, pageOf, problems } from './responses.ts';
import { webhookParams } from './webhooks.ts';

const tags = ['webhooks'];
const params = z.object({
  id: z
    .string()
    .openapi({ description: 'The webhook-id of a message', example: '0197b6f0-0000-7000-8000-000000000000' }),
});
const replayed = deliveryWithTriesSchema
  .extend({ outcome: z.enum(['queued', 'not_final']) })
  .openapi('ReplayedDelivery');
const ofWebhook = eventsQuery.extend({ state: deliveryFilter.shape.state });

const test = createRoute({
  operationId: 'testWebhook',
  method: 'post',
  path: '/webhooks/{id}/test',
  tags,
  summary: 'Send a webhook a message of type webhook.test',
  request: { params: webhookParams },
  responses: {
    202: json(deliveryWithTriesSchema, 'It is on its way'),
    ...problems('webhook-not-found', 'conflict'),
  },
});

const listOfOne = createRoute({
  operationId: 'listDeliveriesOfWebhook',
  method: 'get',
  path: '/webhooks/{id}/deliveries',
  tags,
  summary: 'List the messages to a webhook, the newest first',
  request: { params: webhookParams, query: ofWebhook },
  responses: {
    200: json(pageOf(deliverySchema), 'One page'),
    ...problems('webhook-not-found', 'validation'),
  },
});

const list = createRoute({
  operationId: 'listDeliveries',
  method: 'get',
  path: '/webhook-deliveries',
  tags,
  summary: 'List messages to webhooks and callbacks, the newest first',
  request: {
    query: ofWebhook.extend({ taskId: deliveryFilter.shape.taskId, batchId: deliveryFilter.shape.batchId }),
  },
  responses: { 200: json(pageOf(deliverySchema), 'One page'), ...problems('validation') },
});

const get = createRoute({
  operationId: 'getDelivery',
  method: 'get',
  path: '/webhook-deliveries/{id}',
  tags,
  summary: 'Show a message with its body and every try',
  request: { params },
  responses: { 200: json(deliveryWithTriesSchema, 'The message'), ...problems('webhook-not-found') },
});

const replay = createRoute({
  operationId: 'replayDelivery',
  method: 'post',
  path: '/webhook-deliveries/{id}/replay',
  tags,
  summary: 'Send a message once more, under its own webhook-id',
  request: { params },
  responses: {
    200: json(replayed, 'It is being sent: nothing was changed'),
    202: json(replayed, 'It is on its way again'),
    ...problems('webhook-not-found', 'conflict'),
  },
});

export function mountDeliveries(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  const webhooksFor = (c: HttpContext) => router.createCaller(contextOf(parts, c)).webhooks;

  rest.openapi(test, async (c) => c.json(await webhooksFor(c).test(c.req.valid('param')), 202));
  rest.openapi(listOfOne, async (c) => {
    const { id: webhookId } = c.req.valid('param');
    return c.json(await webhooksFor(c).deliveries({ webhookId, ...c.req.valid('query') }), 200);
  });
  rest.openapi(list, async (c) => c.json(await webhooksFor(c).deliveries(c.req.valid('query')), 200));
  rest.openapi(get, async (c) => c.json(await webhooksFor(c).delivery(c.req.valid('param')), 200));
  rest.openapi(replay, async (c) => {
    const { delivery, outcome } = await webhooksFor(c).replay(c.req.valid('param'));
    return c.json({ ...delivery, outcome }, outcome === 'queued' ? 202 : 200);
  });
}
