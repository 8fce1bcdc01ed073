import type { Executor } from '../db/connect.ts';
import type { KeyView } from './list.ts';

/** Revokes by id or prefix; every node refuses the key within two seconds. Returns what was revoked. */
export async function revokeKey(
  executor: Executor,
  idOrPrefix: string,
): Promise<Pick<KeyView, 'id' | 'name' | 'prefix'>[]> {
  const { rows } = await executor.query<Pick<KeyView, 'id' | 'name' | 'prefix'>>(
    `UPDATE lovage.api_key SET revoked_at = now()
     WHERE revoked_at IS NULL AND (id::text = $1 OR prefix = $1) RETURNING id, name, prefix`,
    [idOrPrefix],
  );
  return rows;
}
