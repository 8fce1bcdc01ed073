import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { LovageError } from '../../errors.ts';
import { faultsOf } from '../../json/faults.ts';
import { keySchema, newKeySchema } from '../../wire/key.ts';
import { readJson, readOptionalJson } from '../body.ts';
import { type ApiParts, contextOf, type HttpContext, type HttpEnv } from '../context.ts';
import { toInline } from '../openapi/schema.ts';
import { createKeyFields, listKeysFields, rotateKeyFields, updateKeyFields } from '../trpc/key-fields.ts';
import type { Router } from '../trpc/router.ts';
import { eventsQuery } from './parameters.ts';
import { json, pageOf, problems } from './responses.ts';

const tags = ['keys'];
/** Not from mount.ts, which imports this. */
const KEYS = '/v1/keys';
const params = z.object({
  id: z.string().openapi({ description: 'The id of a key', example: '0197b6f0-0000-7000-8000-000000000000' }),
});
const rotateBody = rotateKeyFields.omit({ id: true });
const updateBody = updateKeyFields.omit({ id: true });
const revoked = keySchema
  .extend({ outcome: z.enum(['revoked', 'already_revoked']) })
  .openapi('RevokedApiKey');
const bodyOf = (schema: z.ZodType, required: boolean) => ({
  required,
  content: { 'application/json': { schema: toInline(schema, 'input') } },
});
const bodyFaults = ['malformed-json', 'validation', 'payload-too-large'] as const;

const create = createRoute({
  operationId: 'createKey',
  method: 'post',
  path: '/keys',
  tags,
  summary: 'Make an API key; it is shown this once',
  request: { body: bodyOf(createKeyFields, true) },
  responses: {
    201: { ...json(newKeySchema, 'The key, with its secret'), headers: z.object({ Location: z.string() }) },
    ...problems(...bodyFaults),
  },
});

const list = createRoute({
  operationId: 'listKeys',
  method: 'get',
  path: '/keys',
  tags,
  summary: 'List the keys of the tenant, the newest first',
  request: {
    query: eventsQuery.extend({
      tenant: listKeysFields.shape.tenant.openapi({
        description: 'The root key sees those of every tenant, and here only this one’s',
      }),
    }),
  },
  responses: { 200: json(pageOf(keySchema), 'One page'), ...problems('validation') },
});

const get = createRoute({
  operationId: 'getKey',
  method: 'get',
  path: '/keys/{id}',
  tags,
  summary: 'Show a key, without its secret',
  request: { params },
  responses: { 200: json(keySchema, 'The key'), ...problems('key-not-found') },
});

const update = createRoute({
  operationId: 'updateKey',
  method: 'patch',
  path: '/keys/{id}',
  tags,
  summary: 'Change a key’s priority, rate limit or expiry; null takes it away',
  request: { params, body: bodyOf(updateBody, true) },
  responses: {
    200: json(keySchema, 'The key as it is now; every node goes by it within two seconds'),
    ...problems('key-not-found', 'conflict', ...bodyFaults),
  },
});

const rotate = createRoute({
  operationId: 'rotateKey',
  method: 'post',
  path: '/keys/{id}/rotate',
  tags,
  summary: 'Put a new key in the place of one, which works on for graceMs',
  request: { params, body: bodyOf(rotateBody, false) },
  responses: {
    201: {
      ...json(newKeySchema, 'The new key, with its secret'),
      headers: z.object({ Location: z.string() }),
    },
    ...problems('key-not-found', 'conflict', ...bodyFaults),
  },
});

const revoke = createRoute({
  operationId: 'revokeKey',
  method: 'delete',
  path: '/keys/{id}',
  tags,
  summary: 'Revoke a key: every node refuses it within two seconds',
  request: { params },
  responses: {
    200: json(revoked, 'It is revoked, by this call or already before'),
    ...problems('key-not-found'),
  },
});

export function mountKeys(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  const keysFor = (c: HttpContext, suspicion?: Parameters<typeof contextOf>[2]) =>
    router.createCaller(contextOf(parts, c, suspicion)).keys;

  rest.openapi(create, async (c) => {
    const { value, suspicion } = await readJson(c.req.raw, parts.maxBodyBytes);
    const made = await keysFor(c, suspicion).create(fitting(createKeyFields, value));
    c.header('Location', `${KEYS}/${made.id}`);
    return c.json(made, 201);
  });

  rest.openapi(list, async (c) => c.json(await keysFor(c).list(c.req.valid('query')), 200));

  rest.openapi(get, async (c) => c.json(await keysFor(c).get(c.req.valid('param')), 200));

  rest.openapi(update, async (c) => {
    const { value, suspicion } = await readJson(c.req.raw, parts.maxBodyBytes);
    const change = fitting(updateBody, value);
    return c.json(await keysFor(c, suspicion).update({ ...c.req.valid('param'), ...change }), 200);
  });

  rest.openapi(rotate, async (c) => {
    const { value, suspicion } = await readOptionalJson(c.req.raw, parts.maxBodyBytes);
    const rotation = fitting(rotateBody, value ?? {});
    const made = await keysFor(c, suspicion).rotate({ ...c.req.valid('param'), ...rotation });
    c.header('Location', `${KEYS}/${made.id}`);
    return c.json(made, 201);
  });

  rest.openapi(revoke, async (c) => {
    const { key, outcome } = await keysFor(c).revoke(c.req.valid('param'));
    return c.json({ ...key, outcome }, 200);
  });
}

function fitting<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(value);
  if (error) throw new LovageError('validation', 'The body does not fit', { faults: faultsOf(error) });
  return data;
}
