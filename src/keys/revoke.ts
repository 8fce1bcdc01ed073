import type { Executor } from '../db/connect.ts';
import type { KeyView, RevokeOutcome } from '../wire/key.ts';
import { getKey } from './get.ts';
import { reachOf, type Reaching } from './reach.ts';
import { isKeyId, KEY_COLUMNS, keyNotFound, type KeyRow, viewKey } from './view.ts';

/** Every node refuses the key within two seconds. Revoking it twice changes nothing. */
export async function revokeKey(
  executor: Executor,
  caller: Reaching,
  id: string,
): Promise<{ key: KeyView; outcome: RevokeOutcome }> {
  if (!isKeyId(id)) throw keyNotFound(id);
  const { rows } = await executor.query<KeyRow>(
    `UPDATE lovage.api_key SET revoked_at = now()
     WHERE id = $1 AND ($2::text IS NULL OR tenant = $2) AND revoked_at IS NULL RETURNING ${KEY_COLUMNS}`,
    [id, reachOf(caller)],
  );
  const [row] = rows;
  if (row) return { key: viewKey(row), outcome: 'revoked' };
  return { key: await getKey(executor, caller, id), outcome: 'already_revoked' };
}
