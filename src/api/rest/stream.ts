import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { isTrackedEnvelope } from '@trpc/server';
import type { LovageError } from '../../errors.ts';
import type { TenantNews } from '../../tasks/watch-many.ts';
import type { Frame, TaskNews } from '../../tasks/watch.ts';
import { streamedEventSchema, taskEventSchema, ticketSchema } from '../../wire/streams.ts';
import { type ApiParts, contextOf, type HttpContext, type HttpEnv } from '../context.ts';
import { reportError } from '../respond.ts';
import { respondWithSse, type SseBlock } from '../sse.ts';
import { watchManyFields } from '../trpc/fields.ts';
import type { Router } from '../trpc/router.ts';
import { idParameter } from './parameters.ts';
import { header, json, problems } from './responses.ts';

const tags = ['streams'];

const resumeQuery = z.object({
  lastEventId: z
    .string()
    .optional()
    .openapi({ description: 'The same as the header Last-Event-ID, which goes before it' }),
  ticket: z.string().optional().openapi({ description: 'Of POST /v1/stream-tickets, in place of a key' }),
});
const resumeHeader = z.object({
  'last-event-id': z
    .string()
    .optional()
    .openapi({ description: 'The id of the last event that was seen: the stream goes on after it' }),
});

/** OpenAPI 3.1 has no words for the blocks of a stream: what their data holds is said as that of an encoded text. */
function sse(description: string, ...data: string[]) {
  const schema = {
    type: 'string' as const,
    description: 'Blocks as the HTML standard has them: `id`, `event`, and `data`, which is JSON',
    contentMediaType: 'text/event-stream',
    contentSchema: { anyOf: data.map((name) => ({ $ref: `#/components/schemas/${name}` })) },
  };
  const headers = { 'X-Accel-Buffering': header('X-Accel-Buffering') };
  return { description, headers, content: { 'text/event-stream': { schema } } };
}

const watchOne = createRoute({
  operationId: 'streamTask',
  method: 'get',
  path: '/tasks/{id}/stream',
  tags,
  summary: 'Follow a task: its history, what happens from now on, and in the end the task itself',
  description:
    'The id of a block is the number of its event, its event the type, its data a StreamedEvent. Progress that is not kept has no id. The last block is `end` with the whole task; a final task is replayed and ends. `error` holds a problem: come back later with the last id.',
  request: { params: idParameter, query: resumeQuery, headers: resumeHeader },
  responses: {
    200: sse('Until the task is final', 'StreamedEvent', 'Task', 'Problem'),
    ...problems('task-not-found', 'validation'),
  },
});

const watchMany = createRoute({
  operationId: 'streamTasks',
  method: 'get',
  path: '/stream',
  tags,
  summary: 'Follow all tasks that pass a filter, from now on or from where a stream was left',
  description:
    'Every event at least once; the task’s id and the event’s number tell duplicates. The id of a block is opaque, and is also sent with pings.',
  request: {
    query: resumeQuery.extend({
      name: watchManyFields.shape.name,
      queue: watchManyFields.shape.queue,
      tag: watchManyFields.shape.tag,
    }),
    headers: resumeHeader,
  },
  responses: { 200: sse('Without an end of its own', 'EventOfTask', 'Problem'), ...problems('validation') },
});

const ticket = createRoute({
  operationId: 'createStreamTicket',
  method: 'post',
  path: '/stream-tickets',
  tags,
  summary: 'A ticket that opens streams for a minute, for EventSource, which cannot send a key',
  responses: { 201: json(ticketSchema, 'Send it as ?ticket='), ...problems('not-configured') },
});

export function mountStreams(rest: OpenAPIHono<HttpEnv>, parts: ApiParts, router: Router): void {
  const tasksFor = (c: HttpContext) => router.createCaller(contextOf(parts, c)).tasks;
  const onError = (error: LovageError, requestId: string) => reportError(parts.lovage.log, error, requestId);

  rest.openAPIRegistry.register('StreamedEvent', streamedEventSchema);
  rest.openAPIRegistry.register('EventOfTask', taskEventSchema);

  rest.openapi(watchOne, async (c) => {
    const { id } = c.req.valid('param');
    const lastEventId = c.req.valid('header')['last-event-id'] || c.req.valid('query').lastEventId;
    const frames = await tasksFor(c).watch({ id, lastEventId });
    return respondWithSse(c, frames, { toBlock: taskBlock, onError });
  });

  rest.openapi(watchMany, async (c) => {
    const { ticket: _ticket, ...query } = c.req.valid('query');
    const lastEventId = c.req.valid('header')['last-event-id'] || query.lastEventId;
    const frames = await tasksFor(c).watchMany({ ...query, lastEventId });
    return respondWithSse(c, frames, { toBlock: manyBlock, onError });
  });

  rest.openapi(ticket, async (c) => c.json(await tasksFor(c).ticket(), 201));
}

function taskBlock(frame: Frame<TaskNews>): SseBlock {
  const { id, data } = untrack(frame);
  if (data.kind === 'ping') return {};
  if (data.kind === 'end') return { event: 'end', data: data.task };
  const { event } = data;
  return { ...(event.number !== null && { id }), event: event.type, data: event };
}

function manyBlock(frame: Frame<TenantNews>): SseBlock {
  const { id, data } = untrack(frame);
  return data.kind === 'ping' ? { id } : { id, event: data.event.type, data: data.event };
}

/** A caller on the server gets what `tracked()` made as it is, whatever its type says. */
function untrack<Data>(frame: Frame<Data>): Frame<Data> {
  if (!isTrackedEnvelope<Data>(frame)) throw new Error('a subscription said what is not tracked');
  const [id, data] = frame;
  return { id, data };
}
