import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { z } from 'zod';
import { LovageError } from '../../errors.ts';
import type { HttpEnv } from '../context.ts';

/**
 * Refuses a query parameter that the route does not have: a filter with a slip of the pen would match everything, and
 * `asnyc=false` would not wait.
 */
export function refuseUnknown(rest: OpenAPIHono<HttpEnv>, prefix: string): MiddlewareHandler<HttpEnv> {
  let known: Map<string, ReadonlySet<string>> | undefined;
  return async (c, next) => {
    const given = Object.keys(c.req.queries());
    if (given.length > 0) {
      known ??= parametersOf(rest);
      const path = routePath(c, -1).slice(prefix.length);
      const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
      const names = known.get(`${method} ${path}`);
      const unknown = names === undefined ? [] : given.filter((name) => !names.has(name));
      if (unknown.length > 0) {
        const faults = unknown.map((name) => ({
          pointer: name.replaceAll('\0', '').slice(0, 100),
          detail: 'is not known here',
        }));
        throw new LovageError('validation', 'A parameter is not known here', { faults });
      }
    }
    await next();
  };
}

/** By method and path, as the routes are documented. */
function parametersOf(rest: OpenAPIHono<HttpEnv>): Map<string, ReadonlySet<string>> {
  const routes = rest.openAPIRegistry.definitions.flatMap((one) => (one.type === 'route' ? [one.route] : []));
  return new Map(
    routes.map((route) => [
      `${route.method.toUpperCase()} ${route.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      namesOf(route),
    ]),
  );
}

function namesOf({ request }: RouteConfig): ReadonlySet<string> {
  const query = request?.query;
  return new Set(query instanceof z.ZodObject ? Object.keys(query.shape) : []);
}
