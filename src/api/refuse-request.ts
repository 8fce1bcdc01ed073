import { randomUUID } from 'node:crypto';
import { PROBLEM_TYPE, toProblem } from './problem.ts';
import { LovageError } from '../errors.ts';

/** For a request that never became one: no host, a target that is no URL. It reaches neither routes nor log. */
export function answerBadRequest(cause: unknown): Response {
  const error = new LovageError('not-found', 'The host or the target of the request makes no sense', {
    cause,
  });
  const problem = toProblem(error, randomUUID());
  const headers = { 'Content-Type': PROBLEM_TYPE, 'X-Request-Id': problem.instance };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
