import { randomUUID } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { ApiParts, HttpEnv } from './context.ts';
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

    const ms = Math.round(performance.now() - startedAt);
    const { method, path } = c.req;
    const line = { method, path, status: c.res.status, ms, requestId };
    lovage.log.info(c.req.raw.signal.aborted ? { ...line, aborted: true } : line, 'request');
  };
}
