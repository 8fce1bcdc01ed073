import { setTimeout as wait } from 'node:timers/promises';
import { LovageError } from '../errors.ts';
import { DEFAULT_TENANT, type Caller } from '../wire.ts';
import type { Authenticator } from './authenticate.ts';
import { hashKey } from './hash.ts';

/** Lets in who may read the numbers of all tenants. @throws unauthorized, forbidden, or queue-unavailable. */
export type ScrapeGuard = (key: string | undefined) => Promise<void>;

/** How long a key that was good is let in while it cannot be checked: numbers are wanted most when Postgres is away. */
const REMEMBERED_MS = 60 * 60 * 1000;
const MAX_REMEMBERED = 100;
const PATIENCE_MS = 1_500;

export function createScrapeGuard(authenticator: Authenticator, isOpen: boolean): ScrapeGuard {
  const remembered = new Map<string, number>();

  async function find(key: string, id: string): Promise<Caller | null | 'remembered'> {
    const asked = authenticator.authenticate(key);
    const isKnown = (remembered.get(id) ?? -Infinity) > performance.now() - REMEMBERED_MS;
    if (!isKnown) return asked;
    const unanswered = () => 'remembered' as const;
    const late = new AbortController();
    const over = wait(PATIENCE_MS, undefined, { signal: late.signal, ref: false });
    try {
      return await Promise.race([asked.catch(unanswered), over.then(unanswered, unanswered)]);
    } finally {
      late.abort();
    }
  }

  return async (key) => {
    if (isOpen) return;
    if (key === undefined) {
      throw new LovageError('unauthorized', 'Send an API key as "Authorization: Bearer KEY"');
    }
    const id = hashKey(key).toString('base64');
    const caller = await find(key, id);
    if (caller === 'remembered') return;
    remembered.delete(id);
    if (caller === null) throw new LovageError('unauthorized', 'This API key is unknown, revoked or expired');
    const { scopes, tenant } = caller;
    if (tenant !== DEFAULT_TENANT)
      throw new LovageError('forbidden', 'All tenants share this: it takes a key of the tenant "default"');
    if (!scopes.has('read') && !scopes.has('admin'))
      throw new LovageError('forbidden', 'This API key lacks the scope "read"');
    remembered.set(id, performance.now());
    if (remembered.size > MAX_REMEMBERED) remembered.delete(remembered.keys().next().value ?? id);
  };
}
