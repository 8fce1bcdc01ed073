import type { Executor } from '../db/connect.ts';
import type { KeyView } from '../wire/key.ts';
import { reachOf, type Reaching } from './reach.ts';
import { KEY_COLUMNS, type KeyRow, viewKey } from './view.ts';

/** The live keys of an id or of the prefix that people know them by. */
export async function findKeys(executor: Executor, caller: Reaching, idOrPrefix: string): Promise<KeyView[]> {
  const { rows } = await executor.query<KeyRow>(
    `SELECT ${KEY_COLUMNS} FROM lovage.api_key
     WHERE (id::text = $1 OR prefix = $1) AND ($2::text IS NULL OR tenant = $2)
       AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
     ORDER BY id`,
    [idOrPrefix, reachOf(caller)],
  );
  return rows.map(viewKey);
}
