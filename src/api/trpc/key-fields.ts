import { z } from 'zod';
import { SCOPES } from '../../wire.ts';
import { eventsFields, enqueueOptions } from './fields.ts';

const MAX_GRACE_MS = 30 * 24 * 3_600_000;
const time = enqueueOptions.shape.runAt.unwrap();
/** No spaces, nothing that breaks a line of a log. */
export const keyWord = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[\p{L}\p{N}._:@+-]+$/u, 'must be letters, digits and . _ : @ + -');
const priority = enqueueOptions.shape.priority.unwrap();
const rate = z.strictObject({
  limit: z.int().min(1).max(10_000_000),
  periodMs: z.int().min(1_000).max(86_400_000),
});
const page = { cursor: eventsFields.shape.cursor, limit: eventsFields.shape.limit };

export const keyId = z.object({ id: z.string() });
export const createKeyFields = z.strictObject({
  name: keyWord,
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length).default(['enqueue', 'read', 'cancel']),
  tenant: keyWord.optional(),
  priority: priority.optional(),
  rate: rate.optional(),
  expiresAt: time.optional(),
});
export const updateKeyFields = z.strictObject({
  id: z.string(),
  priority: priority.nullable().optional(),
  rate: rate.nullable().optional(),
  expiresAt: time.nullable().optional(),
});
export const rotateKeyFields = z.strictObject({
  id: z.string(),
  graceMs: z.int().min(0).max(MAX_GRACE_MS).default(0),
  expiresAt: time.optional(),
});
export const listKeysFields = z.object({ tenant: keyWord.optional(), ...page });

export const listAuditFields = z.object({
  tenant: keyWord.optional(),
  actor: z.string().max(200).optional(),
  action: z.string().max(200).optional(),
  target: z.string().max(200).optional(),
  since: time.optional(),
  until: time.optional(),
  ...page,
});
