import type { MiddlewareHandler } from 'hono';
import { LovageError } from '../errors.ts';
import { readTicket } from '../keys/ticket.ts';
import type { ApiParts, HttpContext, HttpEnv } from './context.ts';

/** Where a ticket stands in for a key: the streams, which EventSource opens without headers. */
const TICKET_PATH = /^\/(?:v1\/stream|v1\/tasks\/[^/]+\/stream|trpc\/tasks\.watch(?:Many)?)$/;

/** Lets nobody pass without a valid key: `Authorization: Bearer`, `X-API-Key`, or a dialect's own header. */
export function requireKey(parts: ApiParts, keyHeader?: string): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const ticket = c.req.method === 'GET' && TICKET_PATH.test(c.req.path) ? c.req.query('ticket') : undefined;
    if (ticket !== undefined) {
      c.set('caller', readTicket(parts.lovage, ticket));
      return next();
    }
    const presented = presentedKey(c, keyHeader);
    if (presented === undefined) {
      throw new LovageError(
        'unauthorized',
        'Send an API key as "Authorization: Bearer KEY" or "X-API-Key: KEY"',
      );
    }
    const caller = await c.var.patience.spend(parts.authenticator.authenticate(presented));
    if (caller === null) throw new LovageError('unauthorized', 'This API key is unknown, revoked or expired');
    c.set('caller', caller);
    c.set('recheck', () => parts.authenticator.authenticate(presented));
    await next();
  };
}

function presentedKey(c: HttpContext, keyHeader: string | undefined): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
  const own = keyHeader === undefined ? undefined : c.req.header(keyHeader);
  return bearer ?? (c.req.header('x-api-key') || own || undefined);
}
