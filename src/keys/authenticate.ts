import { timingSafeEqual } from 'node:crypto';
import type pg from 'pg';
import { SCOPES, type Caller, type Scope } from '../wire.ts';
import { hashKey } from './hash.ts';

export interface Authenticator {
  /** Null for a key that is unknown, revoked or expired. Throws when Postgres is away and it must be asked. */
  authenticate(presented: string): Promise<Caller | null>;
}

// Revocation must be seen within two seconds on every node, so no answer is trusted for longer than this.
const TRUSTED_MS = 1_500;
const MAX_CACHED = 10_000;

/** `rootKey` has every right in every mode and needs no database. */
export function createAuthenticator(pool: pg.Pool, rootKey: string | undefined): Authenticator {
  const cache = new Map<string, { until: number; caller: Promise<Caller | null> }>();
  const root = rootKey === undefined ? undefined : hashKey(rootKey);

  return {
    async authenticate(presented) {
      const hash = hashKey(presented);
      if (root && timingSafeEqual(hash, root)) {
        return { actor: 'key:root', tenant: 'default', scopes: new Set(SCOPES) };
      }
      const id = hash.toString('base64');
      const known = cache.get(id);
      if (known && known.until > performance.now()) return known.caller;
      // The promise is cached, not the answer: a burst on a new key asks once.
      const caller = findCaller(pool, hash);
      cache.delete(id);
      cache.set(id, { until: performance.now() + TRUSTED_MS, caller });
      caller.catch(() => cache.delete(id));
      if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value ?? id);
      return caller;
    },
  };
}

async function findCaller(pool: pg.Pool, hash: Buffer): Promise<Caller | null> {
  const { rows } = await pool.query<{ name: string; tenant: string; scopes: Scope[] }>({
    name: 'lovage_find_key',
    text: `SELECT name, tenant, scopes FROM lovage.api_key
           WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
    values: [hash],
  });
  const [key] = rows;
  return key ? { actor: `key:${key.name}`, tenant: key.tenant, scopes: new Set(key.scopes) } : null;
}
