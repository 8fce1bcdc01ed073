import type { Executor } from '../db/connect.ts';
import { LovageError } from '../errors.ts';
import type { NewKeyView } from '../wire/key.ts';
import { getKey } from './get.ts';
import { generateKey, hashKey, prefixOf } from './hash.ts';
import { reachOf, type Reaching } from './reach.ts';
import { isKeyId, KEY_COLUMNS, keyNotFound, type KeyRow, viewKey } from './view.ts';

export interface Rotation {
  /** How long the former key still works. Default: not at all. */
  graceMs?: number | undefined;
  /** When the new one expires (ISO 8601). Default: when the former one would have. */
  expiresAt?: string | undefined;
}

/**
 * Puts a new key in the place of a live one: same name, tenant, scopes, priority and rate, shown this once. Of two
 * rotations at once one succeeds.
 * @throws conflict for a key that is revoked, expired or already replaced.
 */
export async function rotateKey(
  executor: Executor,
  caller: Reaching & { actor: string },
  id: string,
  { graceMs = 0, expiresAt }: Rotation = {},
): Promise<NewKeyView> {
  if (!isKeyId(id)) throw keyNotFound(id);
  const key = generateKey();
  const { rows } = await executor.query<KeyRow>(
    `WITH former AS MATERIALIZED (
       SELECT k.*, lovage.uuid_v7() AS next_id FROM lovage.api_key k
       WHERE k.id = $1 AND ($2::text IS NULL OR k.tenant = $2)
         AND k.revoked_at IS NULL AND k.replaced_by IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
       FOR UPDATE
     ), ended AS (
       UPDATE lovage.api_key k
       SET replaced_by = former.next_id, revoked_at = CASE WHEN $3::bigint = 0 THEN now() END,
           expires_at = CASE WHEN $3 = 0 THEN k.expires_at ELSE least(k.expires_at, now() + $3 * interval '1 ms') END
       FROM former WHERE k.id = former.id
     )
     INSERT INTO lovage.api_key (id, tenant, name, prefix, hash, scopes, priority, rate_limit, rate_period_ms, expires_at, created_by)
     SELECT next_id, tenant, name, $4, $5, scopes, priority, rate_limit, rate_period_ms, coalesce($6, expires_at), $7 FROM former
     RETURNING ${KEY_COLUMNS}`,
    [id, reachOf(caller), graceMs, prefixOf(key), hashKey(key), expiresAt ?? null, caller.actor],
  );
  const [row] = rows;
  if (row) return { ...viewKey(row), key };
  const { state } = await getKey(executor, caller, id);
  throw new LovageError(
    'conflict',
    `the key is ${state === 'live' ? 'already replaced' : state}: it cannot be rotated`,
  );
}
