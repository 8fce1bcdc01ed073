import { z } from '@hono/zod-openapi';
import { ERROR_CODES, type ErrorCode } from '../../errors.ts';
import { PROBLEM_TYPE, problemUri } from '../problem.ts';

export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

/** A response header that is described once, among the components. */
export const header = (name: HeaderName) => ({ $ref: `#/components/headers/${name}` });
export type HeaderName = keyof typeof HEADERS;

const text = (description: string, example: string, required: boolean) => ({
  description,
  required,
  schema: { type: 'string' as const },
  example,
});

export const HEADERS = {
  ETag: text('Stands for the task as it is shown', 'W/"ejKtXYQLJ8_nK4orTSWqRBiMj_Y"', true),
  Location: text('Where to look for it', '/v1/tasks/0197b6f0-0000-7000-8000-000000000000', true),
  'Preference-Applied': text('How long Prefer made it wait, where it did', 'wait=10', false),
  RateLimit: text('What is left of the limit of the key, where it has one', '"default";r=9;t=1', false),
  'RateLimit-Policy': text('The limit of the key, where it has one', '"default";q=10;w=60', false),
  'Retry-After': {
    description: 'Seconds after which it makes sense to ask again',
    required: true,
    schema: { type: 'integer' as const, minimum: 1 },
    example: 2,
  },
  'WWW-Authenticate': text('How to send a key', 'Bearer', true),
  'X-Accel-Buffering': text('Asks proxies to pass on every block at once', 'no', true),
  'X-Request-Id': text('The id of the request, also in the log: yours, or a new one', 'my-request.1', true),
};

/** Everybody may get these, with or without a key. */
const ALWAYS = ['validation', 'internal'] as const satisfies ErrorCode[];
const EVERYWHERE = [
  'unauthorized',
  'forbidden',
  'rate-limited',
  'queue-unavailable',
] as const satisfies ErrorCode[];

/** The problems a route can answer with, for its documentation; several codes can share a status. */
export const problems = (...codes: ErrorCode[]) => openProblems(...codes, ...EVERYWHERE);

/** Those of a route that needs no key. */
export function openProblems(...codes: ErrorCode[]) {
  const byStatus: Record<number, ReturnType<typeof problemResponse>> = {};
  const all = [...new Set([...codes, ...ALWAYS])];
  for (const [status, list] of Map.groupBy(all, (code) => ERROR_CODES[code].status)) {
    byStatus[status] = problemResponse(status, list);
  }
  return byStatus;
}

const problemResponse = (status: number, codes: ErrorCode[]) => ({
  description: codes.map((code) => `\`${code}\`: ${ERROR_CODES[code].title}`).join('; '),
  headers: {
    ...(status === 401 && { 'WWW-Authenticate': header('WWW-Authenticate') }),
    ...((status === 503 || status === 429) && { 'Retry-After': header('Retry-After') }),
  },
  content: { [PROBLEM_TYPE]: { schema: problemOf(status, codes) } },
});

const problemOf = (status: number, codes: ErrorCode[]) => ({
  allOf: [
    { $ref: '#/components/schemas/Problem' },
    {
      type: 'object' as const,
      properties: {
        type: { type: 'string' as const, enum: codes.map(problemUri) },
        status: { type: 'integer' as const, enum: [status] },
      },
    },
  ],
});
