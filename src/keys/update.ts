import type { Executor } from '../db/connect.ts';
import { LovageError } from '../errors.ts';
import type { RateLimit } from '../wire.ts';
import type { KeyView } from '../wire/key.ts';
import { getKey } from './get.ts';
import { reachOf, type Reaching } from './reach.ts';
import { isKeyId, KEY_COLUMNS, keyNotFound, type KeyRow, viewKey } from './view.ts';

/** What is left out stays as it is; null takes it away. */
export interface KeyChange {
  priority?: number | null | undefined;
  rate?: RateLimit | null | undefined;
  expiresAt?: string | null | undefined;
}

/** Every node goes by it within two seconds. @throws conflict for a key that is revoked. */
export async function updateKey(
  executor: Executor,
  caller: Reaching,
  id: string,
  { priority, rate, expiresAt }: KeyChange,
): Promise<KeyView> {
  if (!isKeyId(id)) throw keyNotFound(id);
  const { rows } = await executor.query<KeyRow>(
    `UPDATE lovage.api_key
     SET priority = CASE WHEN $3 THEN $4::int ELSE priority END,
         rate_limit = CASE WHEN $5 THEN $6::int ELSE rate_limit END,
         rate_period_ms = CASE WHEN $5 THEN $7::int ELSE rate_period_ms END,
         expires_at = CASE WHEN $8 THEN $9::timestamptz ELSE expires_at END
     WHERE id = $1 AND ($2::text IS NULL OR tenant = $2) AND revoked_at IS NULL RETURNING ${KEY_COLUMNS}`,
    [
      id,
      reachOf(caller),
      priority !== undefined,
      priority ?? null,
      rate !== undefined,
      rate?.limit ?? null,
      rate?.periodMs ?? null,
      expiresAt !== undefined,
      expiresAt ?? null,
    ],
  );
  const [row] = rows;
  if (row) return viewKey(row);
  const { state } = await getKey(executor, caller, id);
  throw new LovageError('conflict', `the key is ${state}: it cannot be changed`);
}
