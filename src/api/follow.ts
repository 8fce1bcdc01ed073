import { randomUUID } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { traceIdOf } from '../tracing/trace-context.ts';
import { type ApiParts, type HttpContext, type HttpEnv, traceOf } from './context.ts';
import { Patience, PATIENCE_MS } from './patience.ts';

const REQUEST_ID = /^[\w.-]{1,128}$/;

const DEFAULT_HEADERS = [
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Content-Security-Policy', "default-src 'none'"],
  ['Cache-Control', 'no-store'],
] as const;

/** Gives each request an id, in and out, and one line in the log; never its query, headers or body. */
export function followRequests({ lovage, closing }: ApiParts): MiddlewareHandler<HttpEnv> {
  const { requests } = lovage.metrics;
  return async (c, next) => {
    const startedAt = performance.now();
    const given = c.req.header('x-request-id');
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
    c.set('requestId', requestId);
    c.set('patience', new Patience(PATIENCE_MS));
    await next();

    const { headers } = c.res;
    headers.set('X-Request-Id', requestId);
    // What an answer says itself counts: a signed link's may be embedded elsewhere.
    for (const [name, value] of DEFAULT_HEADERS) if (!headers.has(name)) headers.set(name, value);
    if (closing.aborted) headers.set('Connection', 'close');

    const exactMs = performance.now() - startedAt;
    const ms = Math.round(exactMs);
    const { method, path } = c.req;
    const { status } = c.res;
    requests.answered({ method, template: templateOf(c), status, ms: exactMs });
    if (headers.get('content-type')?.startsWith('text/event-stream'))
      c.env.outgoing.once('close', requests.openStream('sse'));
    const traceId = traceIdOf(traceOf(c));
    const line = { method, path, status, ms, requestId, ...(traceId !== undefined && { traceId }) };
    lovage.log.info(c.req.raw.signal.aborted ? { ...line, aborted: true } : line, 'request');
  };
}

/** The route that took the request, as it was registered; a middleware is none. */
function templateOf(c: HttpContext): string | undefined {
  const path = routePath(c, -1);
  return path.endsWith('*') && path !== TRPC_PATHS ? undefined : path;
}

/** Procedures come in lists that callers put together: all of them are one route. */
const TRPC_PATHS = '/trpc/*';
