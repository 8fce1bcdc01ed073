import type pg from 'pg';
import type { Channel } from '../db/listen.ts';
import type { Log } from '../log.ts';
import { ALL, Watched } from './watched.ts';

/**
 * Announcements after the commit, coalesced: NOTIFY takes a database-wide lock at commit, so a burst of a thousand
 * enqueues sends a handful. A lost one costs at most the polling floor.
 */
export interface Notifier {
  /** A queue has work that is due, or delayed work that may be due first. */
  ready(queue: string): void;
  /** Tasks became final: whoever waits for them may look. */
  final(taskIds: readonly string[]): void;
  /** Something happened to tasks, and is committed. Said to others only where somebody watches one of them. */
  changed(taskIds: readonly string[]): void;
  /** Asks all processes to announce, for the next ten seconds, what happens to these tasks; `*` stands for all. */
  watch(taskIds: readonly string[]): void;
  /** Such a wish was heard. */
  watched: (payload: string) => void;
  isWatched(taskId: string): boolean;
  /** Resolves when all that was said so far has been sent or dropped. */
  flush(): Promise<void>;
}

// A payload holds at most 8,000 bytes, an id 37 with its comma.
const IDS_PER_PAYLOAD = 200;

export function createNotifier(pool: pg.Pool, log: Log): Notifier {
  const queues = new Set<string>();
  let finals: string[] = [];
  const wishes = new Set<string>();
  const events = new Set<string>();
  const watched = new Watched();
  let sending: Promise<void> | undefined;

  async function send(): Promise<void> {
    // Everything said in this turn of the event loop goes out together.
    await new Promise(setImmediate);
    while (queues.size + finals.length + wishes.size + events.size > 0) {
      const messages = [
        ...take(queues).map((queue) => ['lovage_ready', queue] as const),
        ...inPayloads('lovage_final', finals),
        ...inPayloads('lovage_watch', take(wishes)),
        ...inPayloads('lovage_event', take(events)),
      ];
      finals = [];
      await pool
        .query({
          name: 'lovage_notify',
          text: 'SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS m (channel, payload)',
          values: [messages.map(([channel]) => channel), messages.map(([, payload]) => payload)],
        })
        .catch((error: unknown) => log.warn({ err: error }, 'a notification was lost; polling covers it'));
    }
    sending = undefined;
  }
  const kick = () => {
    sending ??= send();
  };
  return {
    ready: (queue) => {
      queues.add(queue);
      if (watched.isAny && watched.isAll) events.add(ALL);
      kick();
    },
    final: (taskIds) => {
      finals.push(...taskIds);
      kick();
    },
    changed: (taskIds) => {
      if (!watched.isAny) return;
      if (watched.isAll) events.add(ALL);
      for (const id of taskIds) if (watched.has(id)) events.add(id);
      if (events.size > 0) kick();
    },
    watch: (taskIds) => {
      for (const id of taskIds) wishes.add(id);
      kick();
    },
    watched: (payload) => watched.hear(payload),
    isWatched: (taskId) => watched.isAny && (watched.isAll || watched.has(taskId)),
    flush: async () => sending,
  };
}

function take(set: Set<string>): string[] {
  const items = [...set];
  set.clear();
  return items;
}

/** `*` goes alone. */
function inPayloads(channel: Channel, ids: readonly string[]): (readonly [Channel, string])[] {
  const payloads: (readonly [Channel, string])[] = ids.includes(ALL) ? [[channel, ALL]] : [];
  const single = ids.filter((id) => id !== ALL);
  for (let at = 0; at < single.length; at += IDS_PER_PAYLOAD)
    payloads.push([channel, single.slice(at, at + IDS_PER_PAYLOAD).join(',')]);
  return payloads;
}
