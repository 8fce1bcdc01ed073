import { z } from '@hono/zod-openapi';

export const auditSchema = z
  .object({
    id: z.uuid(),
    at: z.iso.datetime(),
    tenant: z.string(),
    actor: z.string().openapi({ description: 'Who: key:<name>, cli:<user> or sql:<user>' }),
    action: z.string().openapi({
      description: 'The verb, such as tasks.cancel; the route, where a request never came to one',
    }),
    target: z.string().nullable().openapi({ description: 'The id or name of what it was done to' }),
    outcome: z.string().openapi({ description: 'ok, or the code of the error that the caller got' }),
    ip: z.string().nullable(),
    requestId: z.string().nullable(),
    detail: z
      .record(z.string(), z.any())
      .openapi({ description: 'Reason, counts, names; never inputs nor secrets' }),
  })
  .openapi('AuditRecord', { description: 'One call that changes something' });
export type AuditView = z.output<typeof auditSchema>;
