import type { Executor } from '../db/connect.ts';
import { readCursor, writeCursor } from '../tasks/list.ts';
import type { Page } from '../wire.ts';
import type { KeyView } from '../wire/key.ts';
import { reachOf, type Reaching } from './reach.ts';
import { KEY_COLUMNS, type KeyRow, viewKey } from './view.ts';

export interface KeyListRequest {
  /** Default: all that the caller reaches. */
  tenant?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

const DEFAULT_PAGE = 50;

/** Keys, also those that are revoked or expired, the newest first. */
export async function listKeys(
  executor: Executor,
  caller: Reaching,
  { tenant, cursor, limit = DEFAULT_PAGE }: KeyListRequest = {},
): Promise<Page<KeyView>> {
  const { rows } = await executor.query<KeyRow>(
    `SELECT ${KEY_COLUMNS} FROM lovage.api_key
     WHERE ($1::text IS NULL OR tenant = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [reachOf(caller, tenant), cursor === undefined ? null : readCursor(cursor), limit + 1],
  );
  const items = rows.slice(0, limit).map(viewKey);
  return { items, nextCursor: rows.length > limit ? writeCursor(items.at(-1)?.id ?? '') : null };
}
