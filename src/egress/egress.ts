import { createAllowList, type AllowList } from './allow-list.ts';
import { resolveByDns, resolveBySystem, type ResolveHost } from './resolve.ts';

export interface EgressOptions {
  /** `LOVAGE_WEBHOOK_ALLOW`: hosts and networks beside the public internet. */
  allow?: readonly string[];
  /** Where names lead that `allow` does not list. Default: what DNS says. */
  resolve?: ResolveHost;
  /** For a call in all, from the look-up of the name to the end of the answer. Default 15 s. */
  timeoutMs?: number;
}

/** How this process calls addresses that its callers chose. */
export interface Egress {
  allow: AllowList;
  resolve: ResolveHost;
  timeoutMs: number;
}

export function createEgress(options: EgressOptions = {}): Egress {
  const allow = createAllowList(options.allow ?? []);
  const { resolve = resolveByDns, timeoutMs = 15_000 } = options;
  return {
    allow,
    // A host that the operator lists may be in the hosts file, or short for one of its own domain.
    resolve: (host) => (allow.allowsHost(host) ? resolveBySystem(host) : resolve(host)),
    timeoutMs,
  };
}
