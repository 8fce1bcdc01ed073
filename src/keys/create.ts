import type { Executor } from '../db/connect.ts';
import { LovageError } from '../errors.ts';
import type { Caller, RateLimit, Scope } from '../wire.ts';
import type { NewKeyView } from '../wire/key.ts';
import { generateKey, hashKey, prefixOf } from './hash.ts';
import { reachOf } from './reach.ts';
import { KEY_COLUMNS, type KeyRow, viewKey } from './view.ts';

export interface NewKey {
  name: string;
  scopes: readonly Scope[];
  /** Default: the caller's own. */
  tenant?: string | undefined;
  /** Of tasks whose caller names none. Default: as their definitions say. */
  priority?: number | undefined;
  /** Default: as many requests as it likes. */
  rate?: RateLimit | undefined;
  /** ISO 8601. Default: never. */
  expiresAt?: string | undefined;
}

/** History would take a key of this name for the root key. */
const RESERVED_NAME = 'root';

/**
 * Makes a key. `key` is shown this once: only its hash is stored.
 * @throws forbidden for a tenant that the caller does not reach, or a scope that he has not himself.
 */
export async function createKey(executor: Executor, caller: Caller, request: NewKey): Promise<NewKeyView> {
  const tenant = reachOf(caller, request.tenant) ?? caller.tenant;
  refuseMore(caller, request.scopes);
  if (request.name === RESERVED_NAME) {
    const faults = [{ pointer: '/name', detail: 'is the name of the root key' }];
    throw new LovageError('validation', `a key cannot be named "${RESERVED_NAME}"`, { faults });
  }
  const key = generateKey();
  const { rows } = await executor.query<KeyRow>(
    `INSERT INTO lovage.api_key (id, tenant, name, prefix, hash, scopes, priority, rate_limit, rate_period_ms, expires_at, created_by)
     VALUES (lovage.uuid_v7(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     RETURNING ${KEY_COLUMNS}`,
    [
      tenant,
      request.name,
      prefixOf(key),
      hashKey(key),
      request.scopes,
      request.priority ?? null,
      request.rate?.limit ?? null,
      request.rate?.periodMs ?? null,
      request.expiresAt ?? null,
      caller.actor,
    ],
  );
  const [row] = rows;
  if (!row) throw new Error(`key "${request.name}" was not stored`);
  return { ...viewKey(row), key };
}

function refuseMore({ scopes: own }: Caller, wanted: readonly Scope[]): void {
  const lacking = own.has('admin') ? [] : wanted.filter((scope) => !own.has(scope));
  if (lacking.length === 0) return;
  throw new LovageError('forbidden', `a caller without the scope ${lacking.join(', ')} cannot grant it`);
}
