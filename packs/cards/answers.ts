import { z } from 'zod';

const time = z.iso.datetime();

export const healthAnswer = z.object({ status: z.literal('ok') });

export const errorAnswer = z.object({
  message: z.union([z.string(), z.record(z.string(), z.array(z.string()))]),
});

export const syncedAnswer = z.object({ status: z.literal('ok') });

export const acceptedAnswer = z.object({
  taskId: z.uuid(),
  status: z.literal('pending'),
  statusUrl: z.string(),
  createdAt: time,
});

export const taskAnswer = z.object({
  taskId: z.uuid(),
  status: z.enum(['pending', 'started', 'success', 'failure']),
  createdAt: time,
  completedAt: time.nullable(),
  progress: z.object({ current: z.int(), total: z.int() }),
  result: z
    .object({
      success: z.literal(true),
      cardId: z.int(),
      noteId: z.int(),
      warnings: z.array(z.string()).optional(),
    })
    .nullable(),
  error: z.object({ type: z.string(), message: z.string() }).nullable(),
});
