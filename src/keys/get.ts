import type { Executor } from '../db/connect.ts';
import type { KeyView } from '../wire/key.ts';
import { reachOf, type Reaching } from './reach.ts';
import { isKeyId, KEY_COLUMNS, keyNotFound, type KeyRow, viewKey } from './view.ts';

/** @throws key-not-found for an id that is unknown, malformed or another tenant's. */
export async function getKey(executor: Executor, caller: Reaching, id: string): Promise<KeyView> {
  if (!isKeyId(id)) throw keyNotFound(id);
  const { rows } = await executor.query<KeyRow>(
    `SELECT ${KEY_COLUMNS} FROM lovage.api_key WHERE id = $1 AND ($2::text IS NULL OR tenant = $2)`,
    [id, reachOf(caller)],
  );
  const [row] = rows;
  if (!row) throw keyNotFound(id);
  return viewKey(row);
}
