import type pg from 'pg';
import type { Log } from '../log.ts';

/**
 * Announcements after the commit, coalesced: NOTIFY takes a database-wide lock at commit, so a burst of a thousand
 * enqueues sends a handful. A lost one costs at most the polling floor.
 */
export interface Notifier {
  /** A queue has work that is due, or delayed work that may be due first. */
  ready(queue: string): void;
  /** Tasks became final: whoever waits for them may look. */
  final(taskIds: readonly string[]): void;
  /** Resolves when all that was said so far has been sent or dropped. */
  flush(): Promise<void>;
}

// A payload holds at most 8,000 bytes, an id 37 with its comma.
const IDS_PER_PAYLOAD = 200;

export function createNotifier(pool: pg.Pool, log: Log): Notifier {
  const queues = new Set<string>();
  let finals: string[] = [];
  let sending: Promise<void> | undefined;

  async function send(): Promise<void> {
    // Everything said in this turn of the event loop goes out together.
    await new Promise(setImmediate);
    while (queues.size > 0 || finals.length > 0) {
      const ready = [...queues];
      const done = finals;
      queues.clear();
      finals = [];
      const messages = [
        ...ready.map((queue) => ['lovage_ready', queue] as const),
        ...chunk(done, IDS_PER_PAYLOAD).map((ids) => ['lovage_final', ids.join(',')] as const),
      ];
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
      kick();
    },
    final: (taskIds) => {
      finals.push(...taskIds);
      kick();
    },
    flush: async () => sending,
  };
}

function chunk<Item>(items: readonly Item[], size: number): Item[][] {
  const chunks: Item[][] = [];
  for (let at = 0; at < items.length; at += size) chunks.push(items.slice(at, at + size));
  return chunks;
}
