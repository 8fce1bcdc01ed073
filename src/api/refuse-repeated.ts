import type { MiddlewareHandler } from 'hono';
import { LovageError } from '../errors.ts';
import type { HttpEnv } from './context.ts';

/** Which of two counts, a proxy and we might see differently: so none does. Lists, such as Prefer, may come in parts. */
const ONCE = new Set([
  'authorization',
  'content-encoding',
  'content-type',
  'idempotency-key',
  'last-event-id',
  'x-api-key',
]);

export const refuseRepeated: MiddlewareHandler<HttpEnv> = async (c, next) => {
  // Absent where the app is asked without a server.
  const raw = (c.env as Partial<HttpEnv['Bindings']> | undefined)?.incoming?.rawHeaders ?? [];
  const seen = new Set<string>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? '';
    if (!ONCE.has(name)) continue;
    if (seen.has(name)) {
      const faults = [{ pointer: name, detail: 'came more than once' }];
      throw new LovageError('validation', `The header ${name} came more than once`, { faults });
    }
    seen.add(name);
  }
  await next();
};
