import type { MiddlewareHandler } from 'hono';
import { LovageError } from '../errors.ts';
import { readTicket } from '../keys/ticket.ts';
import type { Caller } from '../wire.ts';
import { auditRefusal } from './audit-refusal.ts';
import type { ApiParts, HttpContext, HttpEnv } from './context.ts';
import { costOf, spendQuota } from './rate-limit.ts';

/** Where a ticket stands in for a key: the streams, which EventSource opens without headers. */
const TICKET_PATH = /^\/(?:v1\/stream|v1\/tasks\/[^/]+\/stream|trpc\/tasks\.watch(?:Many)?)$/;

/** Lets nobody pass without a valid key that may still make calls: `Authorization: Bearer`, `X-API-Key`, or a dialect's own header. */
export function requireKey(parts: ApiParts, keyHeader?: string): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { patience } = c.var;
    const caller = await patience.spend(identify(parts, c, keyHeader));
    c.set('caller', caller);
    c.set('trail', { isWritten: false });
    let limits: [string, string][] = [];
    const tell = (headers: typeof limits) => {
      limits = headers;
    };
    try {
      await patience.spend(spendQuota(parts.lovage, caller, costOf(c), tell));
    } catch (error) {
      for (const [name, value] of limits) c.header(name, value);
      throw error;
    }
    await next();
    for (const [name, value] of limits) c.res.headers.set(name, value);
    await auditRefusal(parts, c);
  };
}

const ticketOf = ({ req }: HttpContext): string | undefined =>
  req.method === 'GET' && TICKET_PATH.test(req.path) ? req.query('ticket') : undefined;

async function identify(
  { authenticator, lovage }: ApiParts,
  c: HttpContext,
  keyHeader?: string,
): Promise<Caller> {
  const ticket = ticketOf(c);
  if (ticket !== undefined) {
    const holder = readTicket(lovage, ticket);
    return passing(c, () => authenticator.vouchFor(holder));
  }
  const presented = presentedKey(c, keyHeader);
  if (presented === undefined) {
    throw new LovageError(
      'unauthorized',
      'Send an API key as "Authorization: Bearer KEY" or "X-API-Key: KEY"',
    );
  }
  return passing(c, () => authenticator.authenticate(presented));
}

async function passing(c: HttpContext, check: () => Promise<Caller | null>): Promise<Caller> {
  const caller = await check();
  if (caller === null) throw new LovageError('unauthorized', 'This API key is unknown, revoked or expired');
  c.set('recheck', check);
  return caller;
}

function presentedKey(c: HttpContext, keyHeader: string | undefined): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
  const own = keyHeader === undefined ? undefined : c.req.header(keyHeader);
  return bearer ?? (c.req.header('x-api-key') || own || undefined);
}
