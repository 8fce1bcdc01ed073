import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller, Page } from '../wire.ts';
import type { ScheduleView } from '../wire/schedules.ts';
import { selectSchedules } from './view.ts';

export interface SchedulePage {
  cursor?: string | undefined;
  /** Default 50. */
  limit?: number | undefined;
}

/** By name, without their inputs. */
export async function listSchedules(
  { pool }: Pick<Lovage, 'pool'>,
  caller: Pick<Caller, 'tenant'>,
  page: SchedulePage = {},
): Promise<Page<ScheduleView>> {
  const limit = page.limit ?? 50;
  const after = page.cursor === undefined ? '' : readTextCursor(page.cursor);
  const found = await selectSchedules(pool, { tenant: caller.tenant, after, limit: limit + 1 });
  const items = found.slice(0, limit);
  return { items, nextCursor: found.length > limit ? writeTextCursor(items.at(-1)?.name ?? '') : null };
}

export const writeTextCursor = (text: string): string => Buffer.from(text).toString('base64url');

export function readTextCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  if (writeTextCursor(text) === cursor && text !== '' && !text.includes('\0')) return text;
  throw new LovageError('validation', 'the cursor is none that this list gave out', {
    faults: [{ pointer: 'cursor', detail: 'hand back nextCursor as it came' }],
  });
}
