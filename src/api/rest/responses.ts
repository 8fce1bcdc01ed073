import { z } from '@hono/zod-openapi';
import { ERROR_CODES, type ErrorCode } from '../../errors.ts';
import { PROBLEM_TYPE, problemSchema } from '../problem.ts';

export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

const EVERYWHERE = [
  'unauthorized',
  'forbidden',
  'rate-limited',
  'internal',
  'queue-unavailable',
] as const satisfies ErrorCode[];

/** The problems a route can answer with, for its documentation; several codes can share a status. */
export function problems(...codes: ErrorCode[]) {
  const byStatus: Record<number, ReturnType<typeof problemResponse>> = {};
  for (const [status, list] of Map.groupBy([...codes, ...EVERYWHERE], (code) => ERROR_CODES[code].status)) {
    byStatus[status] = problemResponse(list);
  }
  return byStatus;
}

const problemResponse = (codes: ErrorCode[]) => ({
  description: codes.map((code) => `\`${code}\`: ${ERROR_CODES[code].title}`).join('; '),
  content: { [PROBLEM_TYPE]: { schema: problemSchema } },
});
