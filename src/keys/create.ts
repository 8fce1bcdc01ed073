import type { Executor } from '../db/connect.ts';
import type { Scope } from '../wire.ts';
import { generateKey, hashKey, prefixOf } from './hash.ts';
import type { KeyView } from './list.ts';

export interface NewKey {
  name: string;
  scopes: readonly Scope[];
  tenant?: string | undefined;
  /** ISO 8601. */
  expiresAt?: string | undefined;
}

/** Makes a key. `key` is shown this once: only its hash is stored. */
export async function createKey(executor: Executor, request: NewKey): Promise<KeyView & { key: string }> {
  const key = generateKey();
  const { rows } = await executor.query<KeyView>(
    `INSERT INTO lovage.api_key (id, tenant, name, prefix, hash, scopes, expires_at)
     VALUES (lovage.uuid_v7(), $1, $2, $3, $4, $5, $6)
     RETURNING id, name, prefix, tenant, scopes, created_at AS "createdAt", expires_at AS "expiresAt", revoked_at AS "revokedAt"`,
    [
      request.tenant ?? 'default',
      request.name,
      prefixOf(key),
      hashKey(key),
      request.scopes,
      request.expiresAt ?? null,
    ],
  );
  const [row] = rows;
  if (!row) throw new Error(`key "${request.name}" was not stored`);
  return { ...row, key };
}
