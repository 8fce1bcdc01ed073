import { z } from '@hono/zod-openapi';
import { SCOPES } from '../wire.ts';

const time = z.iso.datetime();

const rateSchema = z.object({ limit: z.int(), periodMs: z.int() });

/** A key as its owners see it: never the key itself. */
export const keySchema = z
  .object({
    id: z.uuid(),
    name: z.string().openapi({ description: 'History shows it as key:<name>; a rotated key keeps it' }),
    prefix: z.string().openapi({ description: 'The first characters of the key, to recognise it by' }),
    tenant: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    state: z.enum(['live', 'expired', 'revoked']),
    priority: z.int().nullable().openapi({ description: 'Of tasks whose caller names none' }),
    rate: rateSchema.nullable().openapi({ description: 'At most so many requests in any such period' }),
    createdAt: time,
    createdBy: z.string().nullable(),
    expiresAt: time.nullable(),
    lastUsedAt: time.nullable().openapi({ description: 'To the minute' }),
    revokedAt: time.nullable(),
    replacedBy: z.uuid().nullable().openapi({ description: 'The key that a rotation put in its place' }),
  })
  .openapi('ApiKey');
export type KeyView = z.output<typeof keySchema>;

export const newKeySchema = keySchema
  .extend({ key: z.string().openapi({ description: 'The key itself, shown this once' }) })
  .openapi('NewApiKey');
export type NewKeyView = z.output<typeof newKeySchema>;

export type RevokeOutcome = 'revoked' | 'already_revoked';
