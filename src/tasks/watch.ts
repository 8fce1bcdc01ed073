import { LovageError } from '../errors.ts';
import type { Lovage } from '../lovage.ts';
import type { Watcher } from '../queue/event-watch.ts';
import { isFinal, type Caller, type EventView, type TaskView } from '../wire.ts';
import type { StreamedEvent } from '../wire/streams.ts';
import { getTask, taskNotFound } from './get.ts';
import { countEvents, readLastProgress, readTaskPage, type TaskPage } from './read-stream.ts';
import { isTaskId } from './view.ts';

/** After so long without anything to tell, a stream says that it is still there. */
export const PING_MS = 15_000;

/** What a stream says, and the id to come back with afterwards. */
export interface Frame<Data> {
  id: string;
  data: Data;
}

export type TaskNews =
  | { kind: 'event'; event: StreamedEvent }
  /** It is final, its result inside. */
  | { kind: 'end'; task: TaskView }
  | { kind: 'ping' };
type TaskFrame = Frame<TaskNews>;

type Parts = Pick<Lovage, 'db' | 'pool' | 'events'>;

/**
 * All that has happened to a task after `lastEventId` and all that happens from now on, each once and in order, until it is
 * final; then the task itself. Ends early, without a word, when `signal` says so.
 * @throws task-not-found; validation for a number that the task does not have. Both before anything is watched.
 */
export async function watchTask(
  lovage: Parts,
  caller: Pick<Caller, 'tenant'>,
  id: string,
  options: { lastEventId?: string | undefined; signal: AbortSignal },
): Promise<AsyncGenerator<TaskFrame, void>> {
  const { tenant } = caller;
  const events = isTaskId(id)
    ? await lovage.events.read(() => countEvents(lovage.pool, tenant, id))
    : undefined;
  if (events === undefined) throw taskNotFound(id);
  return new TaskStream(lovage, tenant, id, readNumber(options.lastEventId, events)).follow(options.signal);
}

function readNumber(text: string | undefined, events: number): number {
  if (text === undefined || text === '') return 0;
  if (/^\d{1,9}$/.test(text) && Number(text) <= events) return Number(text);
  throw new LovageError('validation', 'the last event id is none that this stream gave out', {
    faults: [{ pointer: 'lastEventId', detail: 'must be the number of an event of this task' }],
  });
}

class TaskStream {
  readonly #lovage: Parts;
  readonly #tenant: string;
  readonly #id: string;
  /** The number of the last event that was told. */
  #told: number;
  /** The last progress that was told. */
  #progress = '';

  constructor(lovage: Parts, tenant: string, id: string, after: number) {
    this.#lovage = lovage;
    this.#tenant = tenant;
    this.#id = id;
    this.#told = after;
  }

  async *follow(signal: AbortSignal): AsyncGenerator<TaskFrame, void> {
    const { events, pool } = this.#lovage;
    // Watch first, then read: what happens in between rings.
    const watcher = events.watch(this.#id);
    signal.addEventListener('abort', watcher.ring);
    try {
      if (this.#told > 0) {
        const last = await events.read(() => readLastProgress(pool, this.#id, this.#told));
        if (last) this.#progress = progressOf(last.attempt, last.data);
      }
      while (!signal.aborted) {
        // In a generator of its own: a page that was told must not lie about while this one waits.
        const isOver = yield* this.#tellPage(watcher, signal);
        if (isOver === 'over') return;
        if (isOver === 'more') continue;
        if (!(await watcher.heard(PING_MS))) yield { id: this.#lastId, data: { kind: 'ping' } };
      }
    } finally {
      signal.removeEventListener('abort', watcher.ring);
      events.unwatch(watcher);
    }
  }

  get #lastId(): string {
    return String(this.#told);
  }

  async *#tellPage(
    watcher: Watcher,
    signal: AbortSignal,
  ): AsyncGenerator<TaskFrame, 'over' | 'more' | 'all'> {
    const { events, pool } = this.#lovage;
    const page = await events.read(() => readTaskPage(pool, this.#tenant, this.#id, this.#told));
    if (!page) throw taskNotFound(this.#id);
    for (const event of page.next) {
      if (signal.aborted) return 'over';
      this.#told = event.number;
      if (event.type === 'progress') this.#progress = progressOf(event.attempt, event.data);
      yield { id: this.#lastId, data: { kind: 'event', event } };
    }
    watcher.events = this.#told;
    if (this.#told < page.events) return 'more';
    watcher.progressAt = page.progressAt;
    const live = liveProgress(page);
    if (live && progressOf(live.attempt, live.data) !== this.#progress) {
      this.#progress = progressOf(live.attempt, live.data);
      yield { id: this.#lastId, data: { kind: 'event', event: live } };
    }
    if (!isFinal(page.state)) return 'all';
    const task = await events.read(() => getTask(this.#lovage, { tenant: this.#tenant }, this.#id));
    // Retried in between: there is more to tell.
    if (task.finishedAt !== page.finishedAt) return 'more';
    yield { id: this.#lastId, data: { kind: 'end', task } };
    return 'over';
  }
}

/** Progress beyond the hundred events of an attempt moves only the live row: it has no number. */
function liveProgress({ state, attempt, progress, progressAt }: TaskPage): StreamedEvent | undefined {
  if (state !== 'running' || progress?.attempt !== attempt) return undefined;
  const { attempt: _attempt, ...data } = progress;
  return { number: null, type: 'progress', attempt, at: new Date(progressAt / 1000).toISOString(), data };
}

const progressOf = (attempt: number, { current, total, message }: EventView['data']): string =>
  JSON.stringify([attempt, current, total ?? null, message ?? null]);
