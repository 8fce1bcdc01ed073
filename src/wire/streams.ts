import { z } from '@hono/zod-openapi';
import { eventSchema, TASK_STATES } from '../wire.ts';

/** An event as a stream tells it: progress that is no line of the history has no number. */
export const streamedEventSchema = eventSchema
  .extend({
    number: z
      .int()
      .min(1)
      .nullable()
      .openapi({ description: 'null for progress that is not kept: it only moves what the task shows' }),
  })
  .openapi('StreamedEvent');
export type StreamedEvent = z.output<typeof streamedEventSchema>;

/** As much of a task as each event of the stream of many carries. */
export const streamedTaskSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    queue: z.string(),
    state: z.enum(TASK_STATES).openapi({ description: 'At the time of telling, not of the event' }),
    tags: z.array(z.string()),
    batchId: z.uuid().nullable(),
  })
  .openapi('StreamedTask');
export type StreamedTask = z.output<typeof streamedTaskSchema>;

export const taskEventSchema = eventSchema.extend({ task: streamedTaskSchema }).openapi('EventOfTask', {
  description: 'A task and what happened to it; (task.id, number) tells duplicates',
});
export type EventOfTask = z.output<typeof taskEventSchema>;

export const ticketSchema = z
  .object({ ticket: z.string(), expiresAt: z.iso.datetime() })
  .openapi('StreamTicket');
export type StreamTicket = z.output<typeof ticketSchema>;
