import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { isPassing } from '../db/failures.ts';
import type { Log } from '../log.ts';
import { uuidV7 } from '../uuid.ts';
import type { AuditEntry } from './entry.ts';
import { insertEntries, type KeptEntry } from './insert.ts';

const MAX_GROUP = 500;
const MAX_KEPT = 10_000;
const RETRY_MAX_MS = 5_000;
const CLOSE_MS = 2_000;
const LOST = 'calls are missing in the audit log';

interface Waiting extends KeptEntry {
  done: () => void;
}

/**
 * Writes down who did what, the calls of one moment in one commit. While Postgres is away nobody waits for it: what
 * could not be written is kept, up to a bound, and tried again.
 */
export class AuditWriter {
  readonly #pool: pg.Pool;
  readonly #log: Log;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #failures = 0;
  #dropped = 0;
  readonly #closed = new AbortController();

  constructor(pool: pg.Pool, log: Log) {
    this.#pool = pool;
    this.#log = log;
  }

  /** Resolves when it is written, or kept to be written later. Where a row has this id already, that one stays. */
  write(entry: AuditEntry, id = uuidV7()): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ id, entry, madeAt: performance.now(), done });
      if (this.#failures > 0) done();
      this.#bound();
      this.#running ??= this.#run();
    });
  }

  /** Tries once more what is left, within a bound, and says how much is lost. */
  async close(): Promise<void> {
    this.#closed.abort();
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([this.#running, over]);
    clearTimeout(timer);
    const left = this.#waiting.length;
    if (left > 0) this.#log.error({ calls: left }, LOST);
  }

  async #run(): Promise<void> {
    // Everything said in this turn of the event loop goes out together.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const isLastTry = this.#closed.signal.aborted;
      const group = this.#waiting.splice(0, MAX_GROUP);
      if (await this.#insert(group)) this.#failures = 0;
      else if (isLastTry) this.#dropped += group.length + this.#waiting.splice(0).length;
      else {
        this.#waiting.unshift(...group);
        this.#failures += 1;
        this.#bound();
      }
      for (const { done } of group) done();
      if (this.#failures > 0 && !isLastTry) await this.#rest();
    }
    if (this.#dropped > 0) this.#log.error({ calls: this.#dropped }, LOST);
    this.#dropped = 0;
    this.#running = undefined;
  }

  /** False when it may go better in a moment. What Postgres refuses for what is in it is halved until it stands alone. */
  async #insert(group: Waiting[]): Promise<boolean> {
    try {
      await insertEntries(this.#pool, group);
      return true;
    } catch (error) {
      if (isPassing(error)) {
        if (this.#failures === 0)
          this.#log.warn({ err: error }, 'the audit log could not be written; trying again');
        return false;
      }
      const half = Math.ceil(group.length / 2);
      if (group.length > 1) {
        return (await this.#insert(group.slice(0, half))) && (await this.#insert(group.slice(half)));
      }
      this.#log.error(
        { err: error, action: group[0]?.entry.action },
        'a call cannot be written into the audit log',
      );
      return true;
    }
  }

  #bound(): void {
    const excess = this.#waiting.length - MAX_KEPT;
    if (excess <= 0) return;
    for (const { done } of this.#waiting.splice(0, excess)) done();
    this.#dropped += excess;
  }

  /** Ends early when the writer is closed. */
  async #rest(): Promise<void> {
    const ms = Math.min(RETRY_MAX_MS, 100 * 2 ** this.#failures);
    await wait(ms, undefined, { signal: this.#closed.signal, ref: false }).catch(() => undefined);
  }
}
