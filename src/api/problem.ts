import { z } from '@hono/zod-openapi';
import { ERROR_CODES, type ErrorCode, type LovageError } from '../errors.ts';

export const problemSchema = z
  .object({
    type: z
      .string()
      .openapi({ description: 'Stable and relative to this server', example: '/problems/validation' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().openapi({ description: 'The id of the request, as in X-Request-Id and in the log' }),
    errors: z
      .array(z.object({ pointer: z.string(), detail: z.string() }))
      .optional()
      .openapi({
        description: 'One entry a fault: a JSON Pointer into the body, or the name of a parameter',
      }),
  })
  .openapi('Problem', { description: 'RFC 9457' });
export type Problem = z.output<typeof problemSchema>;

export const PROBLEM_TYPE = 'application/problem+json';

export const problemUri = (code: ErrorCode): string => `/problems/${code}`;

/** An error as RFC 9457 has it. Only what was written for callers gets in: no cause, no stack. */
export function toProblem(error: LovageError, requestId: string): Problem {
  const { status, title } = ERROR_CODES[error.code];
  return {
    type: problemUri(error.code),
    title,
    status,
    detail: error.message,
    instance: requestId,
    ...(error.faults.length > 0 && { errors: error.faults }),
  };
}
