import { z } from '@hono/zod-openapi';

export const WORKER_STATES = ['live', 'draining', 'stopped', 'lost'] as const;

export const workerSchema = z
  .object({
    id: z.uuid().openapi({ description: 'Made anew at every start of the process' }),
    host: z.string(),
    pid: z.int(),
    state: z.enum(WORKER_STATES).openapi({
      description:
        'draining: it takes nothing new; stopped: it ended in order; lost: nothing was heard of it for 15 s, or its tasks were rescued',
    }),
    queues: z.array(z.string()),
    slots: z.int().openapi({ description: 'Attempts that it runs at a time' }),
    running: z.int().nullable().openapi({
      description: 'null where so many wait in a queue of its (some 100,000) that it would take long to tell',
    }),
    version: z.string(),
    startedAt: z.iso.datetime(),
    heartbeatAt: z.iso.datetime(),
  })
  .openapi('Worker');
export type WorkerView = z.output<typeof workerSchema>;
const DRAIN_OUTCOMES = ['draining', 'already_draining', 'already_ended'] as const;
export type DrainOutcome = (typeof DRAIN_OUTCOMES)[number];
export const drainedWorkerSchema = workerSchema
  .extend({ outcome: z.enum(DRAIN_OUTCOMES) })
  .openapi('DrainedWorker');
export type WorkerState = WorkerView['state'];
