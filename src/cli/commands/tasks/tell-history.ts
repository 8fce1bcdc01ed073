import type { EventView } from '../../../wire.ts';
import type { Operations } from '../../operations.ts';

/** All that has happened to a task so far, page by page; returns the number of the last event. */
export async function tellHistory(
  { call }: Operations,
  id: string,
  say: (event: EventView) => void = () => undefined,
): Promise<number> {
  let last = 0;
  for (let cursor: string | undefined; ;) {
    const page = await call.tasks.events.query({ id, limit: 200, ...(cursor !== undefined && { cursor }) });
    for (const event of page.items) {
      say(event);
      last = event.number;
    }
    if (page.nextCursor === null) return last;
    cursor = page.nextCursor;
  }
}
