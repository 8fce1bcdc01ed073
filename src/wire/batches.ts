import { z } from '@hono/zod-openapi';
import { TASK_STATES } from '../wire.ts';

const BATCH_STATES = ['running', 'cancelling', 'finished'] as const;

export const MAX_BATCH = 1_000;

const time = z.iso.datetime();
const counts = z
  .object(Object.fromEntries(TASK_STATES.map((state) => [state, z.int().min(0)])) as Counted)
  .openapi({ description: 'How many of its tasks are in each state' });
type Counted = Record<(typeof TASK_STATES)[number], z.ZodInt>;

/** Tasks that were accepted together, as every caller sees them. */
export const batchSchema = z
  .object({
    id: z.uuid(),
    label: z.string().nullable(),
    state: z.enum(BATCH_STATES).openapi({ description: 'finished once, when all its tasks are final' }),
    counts,
    total: z.int().min(1),
    createdBy: z.string().nullable(),
    createdAt: time,
    cancelRequestedAt: time.nullable(),
    finishedAt: time.nullable(),
    thenTaskId: z.uuid().nullable().openapi({ description: 'The task that got the results' }),
    statusUrl: z.string(),
    tasksUrl: z.string(),
  })
  .openapi('Batch');
export type BatchView = z.output<typeof batchSchema>;

export const acceptedBatchSchema = batchSchema
  .extend({
    taskIds: z.array(z.uuid()).openapi({ description: 'In the order in which the tasks were sent' }),
    replayed: z
      .literal(true)
      .optional()
      .openapi({ description: 'The idempotency key came before: this is the batch that it stands for' }),
  })
  .openapi('AcceptedBatch');
export type AcceptedBatchView = z.output<typeof acceptedBatchSchema>;

const CANCEL_BATCH_OUTCOMES = ['cancelled', 'requested', 'already_finished'] as const;
export type CancelBatchOutcome = (typeof CANCEL_BATCH_OUTCOMES)[number];
export const cancelledBatchSchema = batchSchema
  .extend({ outcome: z.enum(CANCEL_BATCH_OUTCOMES) })
  .openapi('CancelledBatch');
