import { sql } from 'drizzle-orm';
import { taskEvent } from '../db/schema/task.ts';
import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import type { Caller, EventView, Page } from '../wire.ts';
import { getTask } from './get.ts';
import { MAX_PAGE } from './list.ts';
import { viewError } from './view.ts';

/** A task's history, oldest first; the cursor is the number of the last event seen. */
export async function listEvents(
  lovage: Pick<Lovage, 'db'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
  options: { cursor?: string | undefined; limit?: number | undefined } = {},
): Promise<Page<EventView>> {
  await getTask(lovage, caller, id, []);
  const limit = Math.min(options.limit ?? 100, MAX_PAGE);
  const rows = await selectEvents(lovage.db, id, readCursor(options.cursor), limit + 1);
  const items = rows.slice(0, limit).map(viewEvent);
  return { items, nextCursor: rows.length > limit ? String(items.at(-1)?.number) : null };
}

/** A task's events after a number, in order, wherever it is kept. */
export async function selectEvents(
  db: Lovage['db'],
  id: string,
  after = 0,
  count: number | null = null,
): Promise<EventRow[]> {
  return db
    .select({
      number: sql<number>`e.number`,
      type: sql<string>`e.type`,
      attempt: sql<number>`e.attempt`,
      at: sql<Date>`e.at`.mapWith(taskEvent.at),
      data: sql<unknown>`e.data`,
    })
    .from(sql`lovage.any_events(${id}, ${after}, ${count}) AS e`)
    .orderBy(sql`e.number`);
}

export type EventRow = Pick<typeof taskEvent.$inferSelect, 'number' | 'type' | 'attempt' | 'at' | 'data'>;

export function viewEvent(row: EventRow): EventView {
  const data = { ...(row.data as Record<string, unknown>) };
  if (data['error']) data['error'] = viewError(data['error'] as Record<string, unknown>);
  return { number: row.number, type: row.type, attempt: row.attempt, at: row.at.toISOString(), data };
}

function readCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor);
  throw new LovageError('validation', 'the cursor is none that this list gave out', {
    faults: [{ pointer: 'cursor', detail: 'must be the number of an event' }],
  });
}
