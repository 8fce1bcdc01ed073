import { z } from '@hono/zod-openapi';
import { queueSchema } from '../wire.ts';

export const FINAL_OUTCOMES = ['succeeded', 'failed', 'cancelled', 'expired'] as const;

/** How the whole system stands, for whoever looks at it every second. */
export const statsSchema = z
  .object({
    at: z.iso.datetime(),
    queues: z.array(
      queueSchema.extend({
        oldestReadyAt: z.iso.datetime().nullable().openapi({
          description:
            'Since when the oldest that could start waits, of a large backlog as far as its first tasks and those that were delayed tell; null where none is ready',
        }),
      }),
    ),
    recent: z
      .object({
        seconds: z
          .number()
          .openapi({ description: 'The time that the counts are of: a minute, or less under load' }),
        ended: z.object({
          succeeded: z.int(),
          failed: z.int(),
          cancelled: z.int(),
          expired: z.int(),
        }),
        retried: z.int(),
        crashed: z.int(),
      })
      .openapi({ description: 'What happened last, of all tenants' }),
    workers: z.object({
      live: z.int(),
      draining: z.int(),
      lost: z.int().openapi({ description: 'In the last quarter of an hour' }),
      slots: z.int(),
    }),
  })
  .openapi('Stats');
export type StatsView = z.output<typeof statsSchema>;
