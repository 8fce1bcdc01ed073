import type { Hono, MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { HttpEnv } from './context.ts';
import { allowedMethods } from './methods.ts';

const READABLE = [
  'Allow',
  'ETag',
  'Idempotency-Replayed',
  'Location',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
];

const PREFLIGHT_SECONDS = 600;

/** Lets pages of these origins call, `*` for all. Never with credentials: a key is sent on purpose, a cookie is not read. */
export function allowOrigins(app: Hono<HttpEnv>, origins: readonly string[]): MiddlewareHandler<HttpEnv> {
  const handle = cors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowMethods: (_origin, c) => allowedMethods(app, c.req.path),
    exposeHeaders: READABLE,
    maxAge: PREFLIGHT_SECONDS,
  });
  return (c, next) => {
    const isPreflight = c.req.header('access-control-request-method') !== undefined;
    return c.req.method === 'OPTIONS' && !isPreflight ? next() : handle(c, next);
  };
}
