import { z } from 'zod';
import { MAX_BATCH_PAGE } from '../../batches/list.ts';
import { MAX_BATCH } from '../../wire/batches.ts';
import { includes } from '../present.ts';
import { cancelFields, enqueueOptions, listFields, waitFields } from './fields.ts';

const memberOptions = enqueueOptions.omit({ waitMs: true, include: true, idempotencyKey: true });
export type MemberOptions = z.input<typeof memberOptions>;

/** Strict: what a slip of the pen leaves out would be missed a thousand times. */
const member = z.strictObject({ ...memberOptions.shape, name: z.string(), input: z.unknown() });

/** The field holds no function, so that nothing takes its object for a promise. */
const FIELD = { followUp: 'then' } as const;

export const batchFields = z.strictObject({
  tasks: z.array(member).min(1).max(MAX_BATCH),
  label: z.string().min(1).max(200).optional(),
  [FIELD.followUp]: z.strictObject({ name: z.string(), input: z.unknown().optional() }).optional(),
  callback: enqueueOptions.shape.callback,
});
export type BatchFields = z.input<typeof batchFields>;

export const batchId = z.object({ id: z.string() });
export const cancelBatchFields = cancelFields;
export const waitBatchFields = waitFields;
export const listBatchesFields = z.object({
  cursor: listFields.shape.cursor,
  limit: z.int().min(1).max(MAX_BATCH_PAGE).default(20),
});
export const batchTasksFields = batchId.extend({
  cursor: listFields.shape.cursor,
  limit: listFields.shape.limit,
  include: includes.default([]),
});
