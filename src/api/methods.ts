import type { Hono, MiddlewareHandler } from 'hono';
import { LovageError } from '../errors.ts';
import type { HttpContext, HttpEnv } from './context.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** `OPTIONS` on a path that exists says what it takes, without a key. */
export function answerOptions(app: Hono<HttpEnv>): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    if (c.req.method !== 'OPTIONS') return next();
    const allowed = allowedMethods(app, c.req.path);
    if (allowed.length === 0) return next();
    return c.body(null, 204, { Allow: [...allowed, 'OPTIONS'].join(', ') });
  };
}

/** The error for a request that no route took: 405 with `Allow` where another method would do, else 404. */
export function refuseUnrouted(app: Hono<HttpEnv>, c: HttpContext): LovageError {
  const { method, path } = c.req;
  const allowed = allowedMethods(app, path);
  if (allowed.length === 0) return new LovageError('not-found', `There is nothing at ${path}`);
  c.header('Allow', [...allowed, 'OPTIONS'].join(', '));
  return new LovageError('method-not-allowed', `${path} does not take ${method}`);
}

export function allowedMethods(app: Hono<HttpEnv>, path: string): string[] {
  const taken = METHODS.filter((method) =>
    // Middleware is registered for ALL and matches everywhere; only a route's own method counts.
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
  );
  return taken.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}
