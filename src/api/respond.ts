import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { ERROR_CODES, type LovageError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { HttpContext } from './context.ts';
import { toLovageError } from './errors.ts';
import { PROBLEM_TYPE, toProblem } from './problem.ts';

export interface ErrorReply {
  status: number;
  body: unknown;
  contentType: string;
  headers?: Record<string, string>;
}

/** How the errors of all paths under `prefix` look; everywhere else they are problem+json. */
export interface ErrorStyle {
  prefix: string;
  render(error: LovageError, requestId: string): ErrorReply;
}

/** Answers with an error in the words of the path that it happened on, and logs what nobody foresaw. */
export function respondWithError(
  c: HttpContext,
  thrown: unknown,
  styles: readonly ErrorStyle[],
  log: Log,
): Response {
  const error = toLovageError(thrown);
  const { requestId } = c.var;
  if (!c.req.raw.signal.aborted) reportError(log, error, requestId);
  const style = styles.find(({ prefix }) => isUnder(c.req.path, prefix));
  const reply: ErrorReply = style?.render(error, requestId) ?? {
    status: ERROR_CODES[error.code].status,
    body: toProblem(error, requestId),
    contentType: PROBLEM_TYPE,
  };
  if (error.code === 'unauthorized') c.header('WWW-Authenticate', 'Bearer');
  if (error.retryAfter !== undefined) c.header('Retry-After', String(error.retryAfter));
  c.header('Content-Type', reply.contentType);
  for (const [name, value] of Object.entries(reply.headers ?? {})) c.header(name, value);
  return c.body(JSON.stringify(reply.body), reply.status as ContentfulStatusCode);
}

export function reportError(log: Log, error: LovageError, requestId: string): void {
  if (error.code === 'internal') log.error({ err: error.cause ?? error, requestId }, 'request failed');
  if (error.code === 'queue-unavailable')
    // Once a request, for as long as it is away: one line says it, the rest is for who looks closer.
    log.debug({ err: error.cause ?? error, requestId }, 'Postgres is away');
}

const isUnder = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);
