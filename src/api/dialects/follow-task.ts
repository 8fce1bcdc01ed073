import { readTaskPage } from '../../tasks/read-stream.ts';
import { type Caller, isFinal, type TaskView } from '../../wire.ts';
import { getOwnTask } from './own-task.ts';
import type { DialectParts } from './parts.ts';

export interface Sight {
  task: TaskView;
  isFinal: boolean;
}

/** After this number no task has an event: its page is its marks alone. */
const NO_EVENTS = 2_147_483_647;

/**
 * A task of this pack at once, whenever something happens to it, and every so often; ends once it is final, or when `signal`
 * says so. @throws task-not-found; queue-unavailable while Postgres cannot be asked.
 */
export async function* followTask(
  shared: DialectParts,
  caller: Caller,
  { id, everyMs, signal }: { id: string; everyMs: number; signal: AbortSignal },
): AsyncGenerator<Sight, void> {
  const { events, pool } = shared.parts.lovage;
  let task = await events.read(() => getOwnTask(shared, caller, id));
  if (isFinal(task.state)) return yield { task, isFinal: true };
  // Watch first, then read: what happens in between rings.
  const watcher = events.watch(task.id);
  signal.addEventListener('abort', watcher.ring);
  try {
    for (let isNew = true; !signal.aborted; isNew = await watcher.heard(everyMs)) {
      if (isNew) {
        const marks = await events.read(() => readTaskPage(pool, caller.tenant, task.id, NO_EVENTS));
        watcher.events = marks?.events ?? 0;
        watcher.progressAt = marks?.progressAt ?? 0;
        task = await events.read(() => getOwnTask(shared, caller, id));
      }
      if (signal.aborted) return;
      const isOver = isFinal(task.state);
      yield { task, isFinal: isOver };
      if (isOver) return;
    }
  } finally {
    signal.removeEventListener('abort', watcher.ring);
    events.unwatch(watcher);
  }
}
