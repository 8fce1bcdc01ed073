import { timingSafeEqual } from 'node:crypto';
import type pg from 'pg';
import { DEFAULT_TENANT, SCOPES, type Caller, type Scope } from '../wire.ts';
import { hashKey } from './hash.ts';
import { createUseRecorder } from './last-used.ts';
import { rateOf } from './view.ts';

export interface Authenticator {
  /** Null for a key that is unknown, revoked or expired. Throws when Postgres is away and it must be asked. */
  authenticate(presented: string): Promise<Caller | null>;
  /** Whoever holds a ticket, for as long as the key that it was made with may be used; then null. */
  vouchFor(ticketHolder: Caller): Promise<Caller | null>;
}

// Revocation must be seen within two seconds on every node, so no answer is trusted for longer than this.
const TRUSTED_MS = 1_500;
const MAX_CACHED = 10_000;

/** `rootKey` has every right in every mode and needs no database. */
export function createAuthenticator(pool: pg.Pool, rootKey: string | undefined): Authenticator {
  const cache = new Map<string, { until: number; caller: Promise<Caller | null> }>();
  const root = rootKey === undefined ? undefined : hashKey(rootKey);
  const recorder = createUseRecorder(pool);

  return {
    async authenticate(presented) {
      const hash = hashKey(presented);
      if (root && timingSafeEqual(hash, root)) {
        return { actor: 'key:root', tenant: DEFAULT_TENANT, scopes: new Set(SCOPES), isOperator: true };
      }
      return noted(await cached(hash.toString('base64'), () => findCaller(pool, hash)));
    },
    async vouchFor(holder) {
      const { key } = holder;
      if (!key) return holder;
      return cached(`ticket ${key.id}`, async () => ((await isLive(pool, key.id)) ? holder : null));
    },
  };

  function cached(id: string, find: () => Promise<Caller | null>): Promise<Caller | null> {
    const known = cache.get(id);
    if (known && known.until > performance.now()) return known.caller;
    // The promise is cached, not the answer: a burst on a new key asks once.
    const caller = find();
    cache.delete(id);
    cache.set(id, { until: performance.now() + TRUSTED_MS, caller });
    caller.catch(() => cache.delete(id));
    if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value ?? id);
    return caller;
  }

  function noted(caller: Caller | null): Caller | null {
    if (caller?.key) recorder.used(caller.key.id);
    return caller;
  }
}

async function isLive(pool: pg.Pool, id: string): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'lovage_key_is_live',
    text: `SELECT FROM lovage.api_key
           WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
    values: [id],
  });
  return rowCount === 1;
}

interface FoundKey {
  id: string;
  name: string;
  tenant: string;
  hash: Buffer;
  scopes: Scope[];
  priority: number | null;
  rate_limit: number | null;
  rate_period_ms: number | null;
}

/**
 * The look-up goes by SHA-256: how long it takes tells of the hash, which nobody can steer towards a key. What decides is
 * compared in constant time.
 */
async function findCaller(pool: pg.Pool, hash: Buffer): Promise<Caller | null> {
  const { rows } = await pool.query<FoundKey>({
    name: 'lovage_find_key',
    text: `SELECT id, name, tenant, hash, scopes, priority, rate_limit, rate_period_ms FROM lovage.api_key
           WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
    values: [hash],
  });
  const [found] = rows;
  if (!found || !timingSafeEqual(found.hash, hash)) return null;
  return {
    actor: `key:${found.name}`,
    tenant: found.tenant,
    scopes: new Set(found.scopes),
    key: { id: found.id, rate: rateOf(found) },
    ...(found.priority !== null && { priority: found.priority }),
  };
}
