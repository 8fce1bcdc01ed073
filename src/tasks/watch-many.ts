import type { Lovage } from '../lovage.ts';
import type { Caller } from '../wire.ts';
import type { EventOfTask } from '../wire/streams.ts';
import { badPosition, readPosition, writePosition, type Position } from './position.ts';
import { readChanges, readNow, type StreamFilter } from './read-changes.ts';
import { PING_MS, type Frame } from './watch.ts';

export type TenantNews =
  | { kind: 'event'; event: EventOfTask }
  /** Nothing of it passed the filter; its id leads past what was looked at. */
  | { kind: 'ping' };
type ManyFrame = Frame<TenantNews>;

/** However fast things happen, a stream that has told everything rests before it looks again. */
const REST_MS = 20;

type Parts = Pick<Lovage, 'pool' | 'events'>;

/**
 * What happens to the tenant's tasks that pass the filter, from now on or from where `lastEventId` was: every event at least
 * once, in the order of the transactions that wrote them. Has no end of its own.
 * @throws validation for an id that no stream gave out, before anything is watched.
 */
export async function watchTasks(
  lovage: Parts,
  caller: Pick<Caller, 'tenant'>,
  request: StreamFilter & { lastEventId?: string | undefined; signal: AbortSignal },
): Promise<AsyncGenerator<ManyFrame, void>> {
  const { lastEventId, signal, ...filter } = request;
  const given = lastEventId ? readPosition(lastEventId) : undefined;
  const now = await lovage.events.read(() => readNow(lovage.pool));
  // Of another server, or of this one before a restore.
  if (given && xmaxOf(given.upTo ?? given.since) > xmaxOf(now)) throw badPosition();
  return follow(lovage, caller.tenant, filter, given ?? { since: now }, signal);
}

async function* follow(
  { events, pool }: Parts,
  tenant: string,
  filter: StreamFilter,
  from: Position,
  signal: AbortSignal,
): AsyncGenerator<ManyFrame, void> {
  const watcher = events.watch(null);
  signal.addEventListener('abort', watcher.ring);
  let at = from;
  let quietSince = performance.now();
  async function* tellPage(): AsyncGenerator<ManyFrame, boolean> {
    const { passed, next, isAll } = await events.read(() => readChanges(pool, tenant, filter, at));
    const { since, upTo } = next.upTo ? next : { since: at.since, upTo: next.since };
    for (const [index, change] of passed.entries()) {
      if (signal.aborted) return true;
      // The last one leads past all that was looked at and does not pass.
      const place = index === passed.length - 1 ? next : { since, upTo, last: change.at };
      quietSince = performance.now();
      yield { id: writePosition(place), data: { kind: 'event', event: change.event } };
    }
    at = next;
    return isAll;
  }
  try {
    // Known from the beginning: who loses the connection before anything happens misses nothing.
    yield { id: writePosition(at), data: { kind: 'ping' } };
    while (!signal.aborted) {
      if (yield* tellPage()) await watcher.heard(PING_MS);
      // Also where much happens and nothing of it passes: whoever comes back need not look at all of that again.
      if (performance.now() - quietSince < PING_MS)
        await new Promise((resolve) => setTimeout(resolve, REST_MS));
      else {
        quietSince = performance.now();
        yield { id: writePosition(at), data: { kind: 'ping' } };
      }
    }
  } finally {
    signal.removeEventListener('abort', watcher.ring);
    events.unwatch(watcher);
  }
}

const xmaxOf = (snapshot: string): bigint => BigInt(snapshot.split(':')[1] ?? 0);
