import type { Lovage } from '../lovage.ts';
import { ATTEMPT_ENDS, type AttemptView, type Caller, type Page } from '../wire.ts';
import { selectEvents } from './events.ts';
import { getTask } from './get.ts';
import { viewError } from './view.ts';

/** Each attempt with its worker, its span and how it ended, read from the history. */
export async function listAttempts(
  lovage: Pick<Lovage, 'db'>,
  caller: Pick<Caller, 'tenant'>,
  id: string,
): Promise<Page<AttemptView>> {
  await getTask(lovage, caller, id, []);
  const told = new Set<string>(['started', ...ATTEMPT_ENDS]);
  const events = await selectEvents(lovage.db, id);
  const rows = events.filter(({ attempt, type }) => attempt > 0 && told.has(type));
  const attempts = new Map<number, AttemptView>();
  for (const { type, attempt, at, data } of rows) {
    const { worker, error } = data as { worker?: string; error?: Record<string, unknown> };
    if (type === 'started') {
      attempts.set(attempt, {
        attempt,
        worker: worker ?? null,
        startedAt: at.toISOString(),
        endedAt: null,
        outcome: null,
        error: null,
      });
      continue;
    }
    const started = attempts.get(attempt);
    // A task cancelled while it waits for its next attempt ended in its last one already.
    if (!started || started.outcome !== null) continue;
    Object.assign(started, { endedAt: at.toISOString(), outcome: type, error: viewError(error ?? null) });
  }
  return { items: [...attempts.values()], nextCursor: null };
}
