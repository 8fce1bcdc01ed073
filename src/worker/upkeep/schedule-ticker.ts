import { isPassing } from '../../db/failures.ts';
import type { Lovage } from '../../lovage.ts';
import { dueIds, nextScheduleDue } from '../../schedules/due.ts';
import { fireDue } from '../../schedules/fire.ts';

/** However many notifications get lost, a schedule that was added or changed is seen by then. */
const POLL_MS = 10_000;
/** What is due and cannot be had is in another worker's hands. */
const REST_MS = 100;
const RETRY_MAX_MS = 5_000;

/**
 * Starts the tasks of schedules when their time comes. Every worker does; each occurrence is the one's that locks its
 * schedule first.
 */
export class ScheduleTicker {
  readonly #lovage: Pick<Lovage, 'config' | 'pool' | 'notifier' | 'listener' | 'log'>;
  readonly #tasks: readonly string[];
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isAskedAgain = false;
  #failures = 0;
  #stopped = false;

  constructor(lovage: Pick<Lovage, 'config' | 'pool' | 'notifier' | 'listener' | 'log'>) {
    this.#lovage = lovage;
    this.#tasks = [...lovage.config.tasks.keys()];
  }

  start(): void {
    this.#lovage.listener.on('lovage_schedule', this.#wake);
    this.#lovage.listener.on('connected', this.#wake);
    this.#wake();
  }

  /** Starts no more; resolves when what is under way is committed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#lovage.listener.off('lovage_schedule', this.#wake);
    this.#lovage.listener.off('connected', this.#wake);
    clearTimeout(this.#timer);
    await this.#looking;
  }

  readonly #wake = (): void => {
    this.#isAskedAgain = this.#looking !== undefined;
    if (this.#stopped || this.#isAskedAgain) return;
    clearTimeout(this.#timer);
    this.#looking = this.#lookAndSleep();
  };

  async #lookAndSleep(): Promise<void> {
    const restMs = await this.#look();
    this.#looking = undefined;
    if (this.#stopped) return;
    this.#timer = setTimeout(this.#wake, this.#isAskedAgain ? 0 : restMs);
  }

  /** Runs what is due; resolves with how long to sleep. */
  async #look(): Promise<number> {
    try {
      const restMs = await this.#runDue();
      this.#failures = 0;
      return restMs;
    } catch (error) {
      this.#failures += 1;
      this.#lovage.log.warn({ err: error, failures: this.#failures }, 'could not look for due schedules');
      return Math.min(RETRY_MAX_MS, 100 * 2 ** this.#failures);
    }
  }

  async #runDue(): Promise<number> {
    for (;;) {
      const dueInMs = await nextScheduleDue(this.#lovage.pool, this.#tasks);
      if (dueInMs === null || dueInMs > 0) return Math.min(POLL_MS, (dueInMs ?? POLL_MS) + 1);
      if (this.#stopped || (await this.#fire()) === 0) return REST_MS;
    }
  }

  async #fire(): Promise<number> {
    try {
      return await fireDue(this.#lovage);
    } catch (error) {
      this.#lovage.log.warn({ err: error }, 'due schedules could not be run together; trying each alone');
      return this.#fireAlone();
    }
  }

  /** One that Postgres refuses does not stop the others. What may pass is tried again; what will not is recorded. */
  async #fireAlone(): Promise<number> {
    let moved = 0;
    let failure: unknown;
    for (const id of await dueIds(this.#lovage.pool, this.#tasks)) {
      try {
        moved += await this.#fireOne(id);
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    return moved;
  }

  async #fireOne(id: string): Promise<number> {
    try {
      return await fireDue(this.#lovage, { ids: [id] });
    } catch (error) {
      if (isPassing(error)) throw error;
      return fireDue(this.#lovage, { ids: [id], refusal: (error as Error).message });
    }
  }
}
