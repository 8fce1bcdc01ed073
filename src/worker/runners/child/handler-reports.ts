import type { Progress } from '../../../task.ts';
import { clean } from '../../attempt/describe-error.ts';
import { EVERY_MS, MAX_LOG_EVENTS, MAX_PROGRESS_EVENTS } from '../../report/reporter.ts';
import { roundProgress } from '../../report/round-progress.ts';
import { storableData } from '../../report/storable-data.ts';
import type { FromChild } from '../messages.ts';

const MAX_TEXT = 4_000;

/**
 * What a handler says goes over as it says it, as far as the worker would keep it: a handler that reports in a tight loop must not
 * flood the channel. Once it has returned, what it left behind in this process is not heard any more.
 */
export class HandlerReports {
  readonly #tell: (message: FromChild) => void;
  readonly #seen = new Set<number>();
  #logged = 0;
  #saidAt = -Infinity;
  #unsaid: Progress | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(tell: (message: FromChild) => void) {
    this.#tell = tell;
  }

  readonly progress = (given: Progress): void => {
    const { current, total, message } = roundProgress(given);
    const progress = { current, total, message: message === null ? null : clean(message, MAX_TEXT) };
    if (this.#isOver) return;
    const isNew = !this.#seen.has(progress.current) && this.#seen.size < MAX_PROGRESS_EVENTS;
    if (isNew) this.#seen.add(progress.current);
    this.#unsaid = progress;
    const waitMs = this.#saidAt + EVERY_MS - performance.now();
    if (isNew || waitMs <= 0) this.#say();
    else this.#timer ??= setTimeout(this.#say, waitMs).unref();
  };

  readonly log = (message: string, data?: Record<string, unknown>): void => {
    const text = clean(message, MAX_TEXT);
    this.#logged += 1;
    if (this.#isOver || this.#logged > MAX_LOG_EVENTS) return;
    this.#tell({ type: 'log', message: text, ...(data && { data: storableData(data) }) });
  };

  end(): void {
    this.#say();
    this.#isOver = true;
  }

  readonly #say = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#unsaid) return;
    this.#tell({ type: 'progress', progress: this.#unsaid });
    this.#unsaid = undefined;
    this.#saidAt = performance.now();
  };
}
