import type { MiddlewareHandler } from 'hono';
import { LovageError } from '../errors.ts';
import { readTicket } from '../keys/ticket.ts';
import type { Caller } from '../wire.ts';
import { auditRefusal } from './audit-refusal.ts';
import type { ApiParts, HttpContext, HttpEnv } from './context.ts';
import { costOf, spendQuota } from './rate-limit.ts';

/** Who calls, and how to ask again later: null when his key was revoked. */
export interface Identity {
  caller: Caller;
  check: () => Promise<Caller | null>;
}

/** Where a ticket stands in for a key: the streams, which EventSource opens without headers. */
const TICKET_PATH = /^\/(?:v1\/stream|v1\/tasks\/[^/]+\/stream|trpc\/tasks\.watch(?:Many)?)$/;

/** Lets nobody pass without a valid key that may still make calls: `Authorization: Bearer` or `X-API-Key`. */
export function requireKey(parts: ApiParts): MiddlewareHandler<HttpEnv> {
  return requireCaller(parts, (c) => identify(parts, c));
}

/** Lets nobody pass of whom it is not known who he is, or whose key may make no more calls. */
export function requireCaller(
  parts: ApiParts,
  identifyCaller: (c: HttpContext) => Promise<Identity>,
): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { patience } = c.var;
    const { caller, check } = await patience.spend(identifyCaller(c));
    c.set('caller', caller);
    c.set('recheck', check);
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

async function identify(parts: ApiParts, c: HttpContext): Promise<Identity> {
  const ticket = ticketOf(c);
  if (ticket !== undefined) {
    const holder = readTicket(parts.lovage, ticket);
    return checked(() => parts.authenticator.vouchFor(holder));
  }
  return identifyByKey(
    parts,
    presentedKey((name) => c.req.header(name)),
  );
}

/** @throws unauthorized where no key was sent, or none that holds. */
export async function identifyByKey(
  { authenticator }: Pick<ApiParts, 'authenticator'>,
  key: string | undefined,
  keyHeader = 'X-API-Key',
): Promise<Identity> {
  if (key === undefined) {
    throw new LovageError(
      'unauthorized',
      `Send an API key as "Authorization: Bearer KEY" or "${keyHeader}: KEY"`,
    );
  }
  return checked(() => authenticator.authenticate(key));
}

/** @throws unauthorized where the check says that nobody is behind it any more. */
export async function checked(check: Identity['check']): Promise<Identity> {
  const caller = await check();
  if (caller === null) throw new LovageError('unauthorized', 'This API key is unknown, revoked or expired');
  return { caller, check };
}

/** The key that a request brings, in Lovage's headers or in one of a dialect's own. */
export function presentedKey(
  header: (name: string) => string | undefined,
  keyHeader?: string,
): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(header('authorization') ?? '')?.[1];
  const own = keyHeader === undefined ? undefined : header(keyHeader);
  return bearer ?? (header('x-api-key') || own || undefined);
}
