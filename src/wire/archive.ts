import { z } from '@hono/zod-openapi';

const at = z.iso.datetime();

export const archivePlanSchema = z
  .object({
    at: at.openapi({ description: "The database's clock: what is due, is due by it" }),
    tasks: z
      .array(
        z.object({
          name: z.string(),
          queue: z.string(),
          archiveAfterMs: z
            .int()
            .openapi({ description: 'How long after its end a task stays in the hot table' }),
          retentionMs: z.int().openapi({ description: 'How long it is kept after that' }),
          due: z.int().openapi({ description: 'Final tasks that the next round moves into the archive' }),
          waiting: z.int().openapi({
            description: 'Final tasks whose time has not come, or that a parent or a batch still needs',
          }),
        }),
      )
      .openapi({ description: 'By definition, of the oldest 100,000 tasks of the hot table' }),
    isAll: z
      .boolean()
      .openapi({ description: 'false where the hot table has more tasks than were looked at' }),
    resultsExpired: z
      .int()
      .openapi({ description: 'Results past their time to live, of the oldest 100,000' }),
    partitions: z.array(
      z.object({
        name: z.string(),
        from: at.nullable(),
        to: at.nullable().openapi({
          description:
            'The partition is dropped when this time has come; null where somebody attached one without an end',
        }),
        tasks: z
          .int()
          .openapi({ description: 'That were moved into it, also those that a retry took out again' }),
        bytes: z.int(),
        isExpired: z.boolean(),
      }),
    ),
    lacking: z.array(at).openapi({ description: 'Times for which a partition will be made' }),
    heldUntil: at
      .nullable()
      .openapi({ description: "Nothing is dropped before then: the database's clock has leapt" }),
    lastRoundAt: at.nullable(),
  })
  .openapi('ArchivePlan');
export type ArchivePlanView = z.output<typeof archivePlanSchema>;
