import { z } from 'zod';
import { MAX_SWEEP } from '../../tasks/pick.ts';
import { TASK_STATES } from '../../wire.ts';
import { WORKER_STATES } from '../../wire/worker.ts';
import { MAX_WAIT_MS } from '../await-task.ts';
import { INCLUDES, includes } from '../present.ts';

export const YEAR_MS = 366 * 24 * 60 * 60 * 1000;
const MAX_PAGE = 200;
const DEFAULT_PAGE = 50;

// Postgres knows no year 0.
const time = z.iso
  .datetime({ offset: true })
  .refine((text) => !text.startsWith('0000'), 'must be a time after the year 0');
export const MAX_LIMIT_MS = 2_147_483_647;
const limitMs = z.int().min(1).max(MAX_LIMIT_MS);
const waitMs = z.int().min(0).max(MAX_WAIT_MS);
const cursor = z.string().max(1000).optional();
const limit = z.int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE);

export const idempotencyKey = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable characters');

/** What a caller may say about a task beside its input. */
export const enqueueOptions = z.object({
  priority: z.int().min(-1000).max(1000).optional(),
  delayMs: z.int().min(0).max(YEAR_MS).optional(),
  /** ISO 8601; not together with `delayMs`. */
  runAt: time.optional(),
  tags: z.array(z.string().min(1).max(100)).max(20).optional(),
  /** Instead of the definition's; the hard one not below the soft one. */
  softLimitMs: limitMs.optional(),
  hardLimitMs: limitMs.optional(),
  /** The same request under it again, within a day, makes no second task and is answered with the first. */
  idempotencyKey: idempotencyKey.optional(),
  /** Where to tell of its end; a message is signed with the secret, `whsec_…`, and without one goes unsigned. */
  callback: z.strictObject({ url: z.string().max(2_000), secret: z.string().max(200).optional() }).optional(),
  /** Answer with the final task if it is final by then. Needs the scope `read` too. */
  waitMs: waitMs.optional(),
  /** What a task that is not waited for shows beside its other fields. */
  include: includes.default([]),
});
export type EnqueueOptions = z.input<typeof enqueueOptions>;

export const taskId = z.object({ id: z.string() });
export const getFields = taskId.extend({ include: includes.default([...INCLUDES]) });
export const waitFields = taskId.extend({ timeoutMs: waitMs });
export const cancelFields = taskId.extend({ reason: z.string().max(1000).optional() });
export const eventsFields = taskId.extend({ cursor, limit });

const filters = {
  name: z.string().max(100).optional(),
  queue: z.string().max(60).optional(),
  state: z.array(z.enum(TASK_STATES)).optional(),
  tag: z.string().max(100).optional(),
  createdAfter: time.optional(),
  createdBefore: time.optional(),
  cursor,
};
export const listFields = z.object({ ...filters, limit, include: includes.default([]) });

/** Strict: a filter with a slip of the pen would match everything. */
export const sweepFields = z.strictObject({
  ...filters,
  limit: z.int().min(1).max(MAX_SWEEP).default(1_000),
});
export const cancelAllFields = sweepFields.extend({ reason: cancelFields.shape.reason });

const lastEventId = z.string().max(8_000).nullish();
export const watchFields = taskId.extend({ lastEventId });
/** What the stream of many is narrowed by; nothing is all. */
export const watchManyFields = z.object({
  name: filters.name,
  queue: filters.queue,
  tag: filters.tag,
  lastEventId,
});

export const workerFields = z.object({ state: z.array(z.enum(WORKER_STATES)).optional(), cursor, limit });

export const queueName = z.object({ name: z.string().max(100) });
/** More than a column holds is no limit. */
const placeLimit = z.int().min(1).max(MAX_LIMIT_MS).nullable().optional();
export const queueLimits = z
  .strictObject({
    concurrency: placeLimit,
    perKey: placeLimit,
    rate: z
      .strictObject({ limit: z.int().min(1).max(1_000_000), periodMs: z.int().min(1).max(86_400_000) })
      .nullable()
      .optional(),
    /** Instead of the others. */
    asConfigured: z.literal(true).optional(),
  })
  .refine(
    ({ asConfigured, concurrency, perKey, rate }) =>
      (asConfigured === true) !== [concurrency, perKey, rate].some((limit) => limit !== undefined),
    'must name a limit, or asConfigured alone',
  );
export type QueueLimits = z.input<typeof queueLimits>;
export const limitFields = queueLimits.safeExtend(queueName.shape);
export const pauseFields = queueName.extend({ reason: cancelFields.shape.reason });
