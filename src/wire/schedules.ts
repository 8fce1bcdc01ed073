import { z } from '@hono/zod-openapi';

const time = z.iso.datetime();

export const scheduleSchema = z
  .object({
    name: z.string(),
    task: z.string().openapi({ description: 'The name of the definition that it runs' }),
    input: z.any().optional().openapi({ description: 'Any JSON value; left out of lists' }),
    cron: z.string().nullable(),
    rrule: z.string().nullable().openapi({ description: 'The lines of RFC 5545; null where cron is not' }),
    timeZone: z.string(),
    missed: z.enum(['skip', 'once']).openapi({
      description:
        'What becomes of the times at which no worker was there: nothing, or one run for all of them',
    }),
    priority: z.int().nullable().openapi({ description: 'Of its tasks; null: as their definition says' }),
    tags: z.array(z.string()).openapi({ description: 'Of its tasks, which also have schedule:NAME' }),
    state: z.enum(['active', 'paused', 'ended']),
    nextAt: time
      .nullable()
      .openapi({ description: 'null while it is paused and when nothing is left to come' }),
    lastAt: time.nullable().openapi({ description: 'When it last started a task' }),
    lastTaskId: z.uuid().nullable(),
    lastError: z.string().nullable().openapi({ description: 'Why its last time started no task' }),
    source: z
      .enum(['config', 'api'])
      .openapi({ description: 'What config made is changed there, and only there' }),
    pausedAt: time.nullable(),
    pausedBy: z.string().nullable(),
    createdBy: z.string().nullable(),
    createdAt: time,
    updatedAt: time,
  })
  .openapi('Schedule');
export type ScheduleView = z.output<typeof scheduleSchema>;

export const scheduleRunSchema = z
  .object({
    occurrence: time.openapi({ description: 'The time that was due' }),
    kind: z.enum(['due', 'made_up', 'skipped', 'by_hand']).openapi({
      description: 'made_up and skipped stand for all the times that nobody was there for, from this one on',
    }),
    taskId: z.uuid().nullable(),
    error: z.string().nullable().openapi({ description: 'Why there is no task' }),
    at: time.openapi({ description: 'When a worker came to it' }),
  })
  .openapi('ScheduleRun');
export type ScheduleRunView = z.output<typeof scheduleRunSchema>;

export const occurrencesSchema = z
  .object({ timeZone: z.string(), items: z.array(time) })
  .openapi('Occurrences', {
    description: 'Times to come, the next one first; fewer than asked for at the end',
  });
export type OccurrencesView = z.output<typeof occurrencesSchema>;

export type PutScheduleOutcome = 'created' | 'replaced';
