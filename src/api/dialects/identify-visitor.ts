import type { Access, DialectRoute } from '../../dialect.ts';
import { readTicket } from '../../keys/ticket.ts';
import { findTenant } from '../../tasks/find-tenant.ts';
import { type Caller, DEFAULT_TENANT, type Scope } from '../../wire.ts';
import { checked, type Identity, identifyByKey, presentedKey } from '../identify.ts';
import { LINK_PARAMETER, readLink } from './link.ts';
import type { DialectParts } from './parts.ts';
import type { Visit } from './visit.ts';

/** Who visits, and until when, where a link let him in. */
export type Visitor = Identity & { linkEndsAt?: number };
export type IdentifyVisitor = (visit: Visit) => Promise<Visitor>;

export const accessOf = ({ access, kind }: DialectRoute): Access =>
  access ?? (kind === 'static' ? 'open' : 'key');

/** Whether a route needs no key: for good, or since an operator's variable says so. */
export const isOpened = (access: Access): boolean =>
  access === 'open' || (typeof access === 'object' && process.env[access.openedBy] === '1');

export const scopeOf = (route: DialectRoute): Scope => {
  if (route.kind === 'resource') return route.scope ?? (route.method === 'get' ? 'read' : 'enqueue');
  if (route.kind === 'submit') return 'enqueue';
  return route.kind === 'cancel' ? 'cancel' : 'read';
};

/** How one route of a mount finds out who calls. It reads the environment now, not at every call. */
export function createIdentification(
  { parts, pack, isOpen }: DialectParts,
  route: DialectRoute,
): IdentifyVisitor {
  const access = accessOf(route);
  const isAnybodys = isOpened(access);
  const namesTask = ['status', 'cancel', 'socket'].includes(route.kind);
  const scopes = new Set([scopeOf(route)]);

  return async (visit) => {
    const { search, params, header } = visit;
    if (access === 'link' && search.has(LINK_PARAMETER)) {
      const { tenant, endsAt } = readLink(parts.lovage, pack.name, visit);
      return { ...known({ actor: 'link', tenant, scopes }), linkEndsAt: endsAt };
    }
    if (route.kind === 'socket' && search.has('ticket')) {
      const holder = readTicket(parts.lovage, search.get('ticket') ?? '');
      return checked(() => parts.authenticator.vouchFor(holder));
    }
    if (isAnybodys && namesTask) {
      const tenant = await findTenant(parts.lovage, params['id'] ?? '');
      return known({ ...ANYBODY, tenant });
    }
    const key = presentedKey(header, pack.dialect.keyHeader);
    if (key === undefined && (isOpen || isAnybodys)) return known(ANYBODY);
    return identifyByKey(parts, key, pack.dialect.keyHeader);
  };
}

const ANYBODY: Caller = {
  actor: 'anybody',
  tenant: DEFAULT_TENANT,
  scopes: new Set(['enqueue', 'read', 'cancel']),
};

const known = (caller: Caller): Identity => ({ caller, check: () => Promise.resolve(caller) });
