import type pg from 'pg';
import type { Listener } from '../db/listen.ts';
import type { Log } from '../log.ts';

const POLL_MS = 1_000;

/**
 * Tells any number of waiters when their task may be final, over the process's one LISTEN connection. The poll
 * behind it, one statement for all of them, covers notifications that got lost and changes made by hand.
 */
export class FinalWatch {
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #pool: pg.Pool;
  readonly #listener: Listener;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;

  constructor(pool: pg.Pool, listener: Listener, log: Log) {
    this.#pool = pool;
    this.#listener = listener;
    this.#log = log;
    listener.on('lovage_final', this.#onFinal);
    listener.on('connected', this.#poll);
  }

  /** How many tasks are being waited for. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Calls back, perhaps more than once, when the task may have become final. Returns the way out. */
  watch(taskId: string, onFinal: () => void): () => void {
    const waiters = this.#waiting.get(taskId) ?? new Set();
    waiters.add(onFinal);
    this.#waiting.set(taskId, waiters);
    this.#timer ??= setInterval(this.#poll, POLL_MS).unref();
    return () => {
      waiters.delete(onFinal);
      if (waiters.size === 0 && this.#waiting.get(taskId) === waiters) this.#waiting.delete(taskId);
      if (this.#waiting.size === 0) this.#stopPolling();
    };
  }

  close(): void {
    this.#listener.off('lovage_final', this.#onFinal);
    this.#listener.off('connected', this.#poll);
    this.#stopPolling();
  }

  readonly #onFinal = (payload: string): void => {
    if (this.#waiting.size === 0) return;
    for (const id of payload.split(',')) this.#wake(id);
  };

  readonly #poll = (): void => {
    if (this.#waiting.size === 0) return;
    this.#pool
      .query<{ id: string }>({
        name: 'lovage_final_of',
        text: `SELECT id FROM lovage.any_tasks($1) WHERE lovage.is_final(state)
               UNION ALL SELECT id FROM lovage.batch WHERE id = ANY ($1) AND finished_at IS NOT NULL`,
        values: [[...this.#waiting.keys()]],
      })
      .then(
        ({ rows }) => rows.forEach(({ id }) => this.#wake(id)),
        // Each waiter meets the same failure when it reads its task.
        (error: unknown) => this.#log.debug({ err: error }, 'could not look for final tasks'),
      );
  };

  #wake(id: string): void {
    this.#waiting.get(id)?.forEach((wake) => wake());
  }

  #stopPolling(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
