import type pg from 'pg';
import type { Listener } from '../db/listen.ts';
import type { Log } from '../log.ts';
import { Bell } from './bell.ts';
import { findChanged, hasChanged, type TaskMark } from './changed.ts';
import type { Notifier } from './notify.ts';
import { Turns } from './turns.ts';
import { ALL, WATCH_MS } from './watched.ts';

const POLL_MS = 1_000;
/** A first look soon after a watch begins: by then all who announce have heard of it. */
const FIRST_POLL_MS = 100;
const READS_AT_ONCE = 4;

/** Who follows one task, and how far. `null` follows all tasks. */
class Watcher extends Bell {
  readonly taskId: string | null;
  /** The number of the last event it has seen, and when the live progress that it has seen was written. */
  events = 0;
  progressAt = 0;

  constructor(taskId: string | null) {
    super();
    this.taskId = taskId;
  }
}
export type { Watcher };

/**
 * Wakes any number of watchers when something happened to their tasks, over the process's one LISTEN connection. While
 * there are any, all processes are asked to announce what they do to those tasks. The poll behind it covers announcements
 * that got lost and changes made by hand; where even that fails, watchers are told so.
 */
export class EventWatch {
  readonly #byTask = new Map<string, Set<Watcher>>();
  readonly #ofAll = new Set<Watcher>();
  readonly #turns = new Turns(READS_AT_ONCE);
  readonly #pool: pg.Pool;
  readonly #listener: Listener;
  readonly #notifier: Notifier;
  readonly #log: Log;
  #pollAt = Infinity;
  #pollTimer: NodeJS.Timeout | undefined;
  #wishTimer: NodeJS.Timeout | undefined;
  /** Everything that happened before this snapshot has rung. */
  #snapshot: string | null = null;

  constructor(parts: { pool: pg.Pool; listener: Listener; notifier: Notifier; log: Log }) {
    this.#pool = parts.pool;
    this.#listener = parts.listener;
    this.#notifier = parts.notifier;
    this.#log = parts.log;
    this.#listener.on('lovage_event', this.#onEvent);
    this.#listener.on('lovage_final', this.#onEvent);
    this.#listener.on('connected', this.#onConnected);
  }

  /** How many watch. */
  get size(): number {
    return [...this.#byTask.values()].reduce((sum, { size }) => sum + size, this.#ofAll.size);
  }

  /** Begins to watch one task, or all with null. Watch first, then read: what happens in between rings. */
  watch(taskId: string | null): Watcher {
    const watcher = new Watcher(taskId);
    const group = taskId === null ? this.#ofAll : (this.#byTask.get(taskId) ?? new Set());
    if (taskId !== null) this.#byTask.set(taskId, group);
    group.add(watcher);
    this.#notifier.watch([taskId ?? ALL]);
    this.#wishTimer ??= setInterval(this.#renewWish, WATCH_MS / 2).unref();
    this.#pollIn(FIRST_POLL_MS);
    return watcher;
  }

  unwatch(watcher: Watcher): void {
    this.#ofAll.delete(watcher);
    const group = watcher.taskId === null ? undefined : this.#byTask.get(watcher.taskId);
    group?.delete(watcher);
    if (watcher.taskId !== null && group?.size === 0) this.#byTask.delete(watcher.taskId);
    if (this.#byTask.size + this.#ofAll.size === 0) this.#rest();
  }

  /** A watcher's reading, in its turn. */
  read<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#turns.take(work);
  }

  close(): void {
    this.#listener.off('lovage_event', this.#onEvent);
    this.#listener.off('lovage_final', this.#onEvent);
    this.#listener.off('connected', this.#onConnected);
    this.#rest();
  }

  readonly #onEvent = (payload: string): void => {
    if (payload === ALL) return this.#ofAll.forEach(({ ring }) => ring());
    if (this.#byTask.size === 0) return;
    for (const id of payload.split(',')) this.#byTask.get(id)?.forEach(({ ring }) => ring());
  };

  readonly #onConnected = (): void => {
    if (this.#byTask.size + this.#ofAll.size > 0) this.#pollIn(0);
  };

  readonly #renewWish = (): void => {
    this.#notifier.watch([...this.#byTask.keys(), ...(this.#ofAll.size > 0 ? [ALL] : [])]);
  };

  #pollIn(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (at >= this.#pollAt) return;
    clearTimeout(this.#pollTimer);
    this.#pollAt = at;
    this.#pollTimer = setTimeout(() => void this.#poll(), delayMs).unref();
  }

  async #poll(): Promise<void> {
    this.#pollAt = Infinity;
    const startedAt = performance.now();
    try {
      await this.#look().catch((error: unknown) => {
        // One connection may just have been cut; a server that is away says so again.
        if (performance.now() - startedAt > POLL_MS) throw error;
        return this.#look();
      });
    } catch (error) {
      this.#log.debug({ err: error }, 'could not look for what happened to watched tasks');
      for (const watcher of this.#all()) watcher.break(error);
    }
    if (this.#byTask.size + this.#ofAll.size > 0) this.#pollIn(POLL_MS);
  }

  async #look(): Promise<void> {
    if (this.#byTask.size > 0) {
      const marks = [...this.#byTask].map(([id, group]) => behindOf(id, group));
      for (const { id, events, progressAt } of await findChanged(this.#pool, marks)) {
        for (const watcher of this.#byTask.get(id) ?? [])
          if (watcher.events < events || watcher.progressAt < progressAt) watcher.ring();
      }
    }
    if (this.#ofAll.size > 0) {
      const { isNew, snapshot } = await hasChanged(this.#pool, this.#snapshot);
      this.#snapshot = snapshot;
      if (isNew) this.#ofAll.forEach(({ ring }) => ring());
    }
  }

  *#all(): Generator<Watcher> {
    yield* this.#ofAll;
    for (const group of this.#byTask.values()) yield* group;
  }

  #rest(): void {
    clearTimeout(this.#pollTimer);
    clearInterval(this.#wishTimer);
    this.#pollAt = Infinity;
    this.#wishTimer = undefined;
    this.#snapshot = null;
  }
}

/** How far the one who is furthest behind has come. */
function behindOf(id: string, group: ReadonlySet<Watcher>): TaskMark {
  const watchers = [...group];
  return {
    id,
    events: Math.min(...watchers.map(({ events }) => events)),
    progressAt: Math.min(...watchers.map(({ progressAt }) => progressAt)),
  };
}
