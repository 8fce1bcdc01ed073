import type { DialectRequest } from '../../dialect.ts';
import type { Caller } from '../../wire.ts';
import { LINK_PARAMETER, signLink } from './link.ts';
import type { DialectParts } from './parts.ts';
import type { Visit } from './visit.ts';

/** What every answer may use, for one request of one caller. */
export function createRequest(
  { parts: { lovage }, pack, base, vault }: DialectParts,
  visit: Visit,
  { caller: { tenant }, signal }: { caller: Caller; signal: AbortSignal },
): DialectRequest {
  const link = (path: string) => (path === '/' && base !== '' ? base : `${base}${path}`);
  return {
    params: visit.params,
    query: queryOf(visit.search),
    header: visit.header,
    tenant,
    db: lovage.db,
    vault,
    link,
    sign: (path, { expiresInMs }) =>
      link(signLink(lovage, { pack: pack.name, path, holder: { tenant, endsAt: Date.now() + expiresInMs } })),
    signal,
  };
}

/** The first of each parameter; how a link was signed is no business of a route. */
function queryOf(search: URLSearchParams): Record<string, string> {
  const names = new Set([...search.keys()].filter((name) => name !== LINK_PARAMETER));
  return Object.fromEntries([...names].map((name) => [name, search.get(name) ?? '']));
}
