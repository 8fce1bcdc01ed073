import type { Lovage } from '../lovage.ts';
import { readCursor, writeCursor } from '../tasks/list.ts';
import type { Caller, Page } from '../wire.ts';
import type { BatchView } from '../wire/batches.ts';
import { selectBatches } from './view.ts';

export const MAX_BATCH_PAGE = 100;

/** The newest first. */
export async function listBatches(
  { pool }: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  { cursor, limit: wanted = 20 }: { cursor?: string | undefined; limit?: number | undefined } = {},
): Promise<Page<BatchView>> {
  const limit = Math.min(wanted, MAX_BATCH_PAGE);
  const before = cursor === undefined ? undefined : readCursor(cursor);
  const batches = await selectBatches(pool, caller.tenant, { before, limit: limit + 1 });
  const items = batches.slice(0, limit);
  return { items, nextCursor: batches.length > limit ? writeCursor(items.at(-1)?.id ?? '') : null };
}
