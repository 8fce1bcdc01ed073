import { z } from '@hono/zod-openapi';
import { MAX_WAIT_MS } from '../await-task.ts';
import { INCLUDES } from '../present.ts';
import { enqueueOptions, listFields, MAX_LIMIT_MS, YEAR_MS } from '../trpc/fields.ts';
import { TASK_STATES } from '../../wire.ts';
import { WORKER_STATES } from '../../wire/worker.ts';

const number = (schema: z.ZodType<number, number>, doc: { minimum?: number; maximum?: number } = {}) =>
  z
    .string()
    .regex(/^-?\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(schema)
    .optional()
    .openapi({ type: 'integer', ...doc });

/** `?a=x,y` and `?a=x&a=y` alike. */
const several = z.union([z.string(), z.array(z.string())]).transform((given) =>
  [given]
    .flat()
    .flatMap((part) => part.split(','))
    .filter((part) => part !== ''),
);

const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  several
    .pipe(z.array(z.enum(values)))
    .openapi({ type: 'array', items: { type: 'string', enum: [...values] } });

const maxWait = MAX_WAIT_MS / 1000;
const wait = number(z.int().min(0).max(maxWait), { minimum: 0, maximum: maxWait }).openapi({
  description: 'Seconds to wait for the task to be final',
});
const include = oneOf(INCLUDES).openapi({ description: 'input and result are left out unless named here' });

export const idParameter = z.object({
  id: z
    .string()
    .openapi({ description: 'The id of a task', example: '0197b6f0-0000-7000-8000-000000000000' }),
});

export const submitQuery = z.object({
  async: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .openapi({
      type: 'boolean',
      description: 'false waits for the final task, 60 s unless wait says otherwise',
    }),
  wait,
  priority: number(enqueueOptions.shape.priority.unwrap(), { minimum: -1000, maximum: 1000 }),
  delayMs: number(enqueueOptions.shape.delayMs.unwrap(), { minimum: 0, maximum: YEAR_MS }),
  runAt: enqueueOptions.shape.runAt,
  softLimitMs: number(enqueueOptions.shape.softLimitMs.unwrap(), { minimum: 1, maximum: MAX_LIMIT_MS }),
  hardLimitMs: number(enqueueOptions.shape.hardLimitMs.unwrap(), { minimum: 1, maximum: MAX_LIMIT_MS }),
  tags: several
    .pipe(enqueueOptions.shape.tags.unwrap())
    .optional()
    .openapi({
      type: 'array',
      description: 'One after the other, or with commas between',
      maxItems: 20,
      items: { type: 'string', minLength: 1, maxLength: 100, pattern: '^[^,]+$' },
    }),
  callbackUrl: z
    .string()
    .max(2_000)
    .optional()
    .openapi({ description: 'Where to tell of the end of the task, as a webhook' }),
  include: include.optional(),
});

export const preferHeader = z.object({
  prefer: z
    .string()
    .optional()
    .openapi({ description: 'wait=N waits up to N seconds for the final task', example: 'wait=10' }),
});

/** The response header that says which preference was followed. */
export const appliedPreference = {
  'Preference-Applied': z.string().optional().openapi({ example: 'wait=10' }),
};
export const submitHeaders = preferHeader.extend({
  'lovage-callback-secret': z
    .string()
    .max(200)
    .optional()
    .openapi({ description: 'What the message to callbackUrl is signed with', example: 'whsec_…' }),
});

export const getHeaders = preferHeader.extend({
  'if-none-match': z
    .string()
    .optional()
    .openapi({ description: '304 where the task is still as one of these ETags says; `*` for any' }),
});

export const getQuery = z.object({
  wait,
  include: include.optional().openapi({ description: 'Both, unless this names fewer' }),
});

const page = {
  cursor: listFields.shape.cursor.openapi({ description: 'nextCursor of the page before' }),
  limit: number(listFields.shape.limit.unwrap(), { minimum: 1, maximum: 200 }),
};
export const eventsQuery = z.object(page);

export const workersQuery = z.object({ state: oneOf(WORKER_STATES).optional(), ...page });

export const listQuery = z.object({
  name: listFields.shape.name,
  queue: listFields.shape.queue,
  state: oneOf(TASK_STATES).optional(),
  tag: listFields.shape.tag,
  createdAfter: listFields.shape.createdAfter,
  createdBefore: listFields.shape.createdBefore,
  ...page,
  include: include.optional(),
});
