import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { LovageError } from '../../errors.ts';
import { taskSchema } from '../../wire.ts';
import { readOptionalJson } from '../body.ts';
import { type ApiParts, contextOf, type HttpEnv } from '../context.ts';
import { faultsOf } from '../../json/faults.ts';
import { presentTask } from '../present.ts';
import { cancelFields } from '../trpc/fields.ts';
import type { Router } from '../trpc/router.ts';
import { idParameter } from './parameters.ts';
import { json, problems } from './responses.ts';

const cancelBody = z.strictObject({ reason: cancelFields.shape.reason });

const cancelled = taskSchema
  .extend({ outcome: z.enum(['cancelled', 'requested', 'already_final']) })
  .openapi('CancelledTask');

const cancel = createRoute({
  operationId: 'cancelTask',
  method: 'post',
  path: '/tasks/{id}/cancel',
  tags: ['tasks'],
  summary: 'Cancel a task: a queued one at once, a running one as soon as its handler stops',
  request: {
    params: idParameter,
    body: {
      required: false,
      content: {
        'application/json': {
          schema: {
            type: 'object',
            properties: { reason: { type: 'string', maxLength: 1000 } },
            additionalProperties: false,
          },
        },
      },
    },
  },
  responses: {
    200: json(cancelled, 'It is final, by this call or already before'),
    202: json(cancelled, 'It runs; its handler was told to stop'),
    ...problems('task-not-found', 'malformed-json', 'validation', 'payload-too-large'),
  },
});

export function mountCancel(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  rest.openapi(cancel, async (c) => {
    const body = await readOptionalJson(c.req.raw, parts.maxBodyBytes);
    const parsed = cancelBody.safeParse(body.value ?? {});
    if (!parsed.success) {
      throw new LovageError('validation', 'The body does not fit', { faults: faultsOf(parsed.error) });
    }
    const { tasks } = router.createCaller(contextOf(parts, c, body.suspicion));
    const { task, outcome } = await tasks.cancel({ ...c.req.valid('param'), ...parsed.data });
    return outcome === 'requested'
      ? c.json({ ...presentTask(task, []), outcome }, 202)
      : c.json({ ...task, outcome }, 200);
  });
}
