import type { Listener } from '../db/listen.ts';
import type { Log } from '../log.ts';
import type { Claim } from '../queue/claim.ts';
import type { QueueReadiness } from '../queue/due.ts';

/** However many notifications get lost, work waits no longer than this. */
const POLL_MS = 2_000;
const RETRY_MAX_MS = 5_000;
const STALE_MS = 10_000;
/** Work that is there and cannot be claimed is locked by somebody: ask again, but not in a circle. */
const REST_MS = 200;

export interface DispatcherOptions {
  /** Queues to serve, each with the most slots it may hold in this worker. */
  queues: ReadonlyMap<string, number>;
  slots: number;
  claim: (queue: string, limit: number) => Promise<Claim[]>;
  /** Runs an attempt; its slot is free again when this resolves. Never rejects. */
  run: (claim: Claim) => Promise<void>;
  nextDue: (queues: readonly string[]) => Promise<QueueReadiness[]>;
  listener: Listener;
  log: Log;
}

interface Lane {
  queue: string;
  limit: number;
  running: number;
  /** Slots that a claim under way has asked for. */
  asked: number;
  mayHaveWork: boolean;
  /** The last claim failed; it may have taken tasks all the same. */
  failed: boolean;
  /** After a claim that got nothing. */
  restsUntil: number;
}

/**
 * Keeps the slots full: one claim per queue for as many tasks as slots are free, again as soon as some come free.
 * While a claim is under way the slots that come free add up, so claims are large under load and immediate
 * when idle.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #lanes: Lane[];
  readonly #claiming = new Set<Promise<void>>();
  #poll: NodeJS.Timeout | undefined;
  #pollAt = Infinity;
  #fillQueued = false;
  #failures = 0;
  #lookedAt = -Infinity;
  #stopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#lanes = [...options.queues].map(([queue, limit]) => ({
      queue,
      limit,
      running: 0,
      asked: 0,
      mayHaveWork: false,
      failed: false,
      restsUntil: 0,
    }));
  }

  start(): void {
    this.#options.listener.on('lovage_ready', this.#onReady);
    this.#options.listener.on('connected', this.#onConnected);
    this.#pollIn(0);
  }

  /** Something is due in so many milliseconds: do not sleep past it. */
  expect(delayMs: number): void {
    this.#pollIn(delayMs + 1);
  }

  /** Claims no more; resolves when the claims under way have come back and their tasks are started. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#options.listener.off('lovage_ready', this.#onReady);
    this.#options.listener.off('connected', this.#onConnected);
    clearTimeout(this.#poll);
    await Promise.all(this.#claiming);
  }

  get running(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.running, 0);
  }

  /** The last look at the queues succeeded, and is not long ago. */
  get isHealthy(): boolean {
    return !this.#stopped && this.#failures === 0 && performance.now() - this.#lookedAt < STALE_MS;
  }

  readonly #onConnected = (): void => this.#pollIn(0);

  readonly #onReady = (queue: string): void => {
    const lane = this.#lanes.find((each) => each.queue === queue);
    if (!lane) return;
    lane.mayHaveWork = true;
    this.#fillSoon();
  };

  #pollIn(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (this.#stopped || at >= this.#pollAt) return;
    clearTimeout(this.#poll);
    this.#pollAt = at;
    this.#poll = setTimeout(() => void this.#look(), delayMs);
  }

  async #look(): Promise<void> {
    this.#pollAt = Infinity;
    let nextMs = POLL_MS;
    try {
      for (const { queue, ready, dueInMs } of await this.#options.nextDue(
        this.#lanes.map((lane) => lane.queue),
      )) {
        const lane = this.#lanes.find((each) => each.queue === queue);
        if (lane && (ready || lane.failed)) {
          const restMs = lane.restsUntil - performance.now();
          if (restMs > 0) nextMs = Math.min(nextMs, restMs);
          else lane.mayHaveWork = true;
        }
        if (dueInMs !== null) nextMs = Math.min(nextMs, Math.max(dueInMs, 0) + 1);
      }
      this.#failures = 0;
      this.#lookedAt = performance.now();
    } catch (error) {
      nextMs = this.#backOff(error, 'could not look for work');
    }
    this.#pollIn(nextMs);
    this.#fillSoon();
  }

  /** Slots that come free in one turn of the event loop are filled together. */
  #fillSoon(): void {
    if (this.#fillQueued || this.#stopped) return;
    this.#fillQueued = true;
    setImmediate(() => {
      this.#fillQueued = false;
      if (!this.#stopped) this.#fill();
    });
  }

  /** Shares the free slots among the queues that may have work, the one with the fewest running first. */
  #fill(): void {
    let free = this.#options.slots - this.#lanes.reduce((sum, lane) => sum + lane.running + lane.asked, 0);
    const eager = this.#lanes
      .filter((lane) => lane.mayHaveWork && lane.asked === 0 && lane.running < lane.limit)
      .sort((a, b) => a.running - b.running);
    for (const [index, lane] of eager.entries()) {
      const share = Math.min(lane.limit - lane.running, Math.ceil(free / (eager.length - index)));
      if (share <= 0) return;
      free -= share;
      this.#claimInto(lane, share);
    }
  }

  #claimInto(lane: Lane, share: number): void {
    lane.asked = share;
    lane.mayHaveWork = false;
    const claiming = this.#claim(lane, share).finally(() => {
      lane.asked = 0;
      this.#claiming.delete(claiming);
      this.#fillSoon();
    });
    this.#claiming.add(claiming);
  }

  async #claim(lane: Lane, share: number): Promise<void> {
    try {
      const claims = await this.#options.claim(lane.queue, share);
      for (const claim of claims) this.#start(lane, claim);
      // A full claim may have left more behind; an empty one asks when the next task is due.
      if (claims.length === share) lane.mayHaveWork = true;
      if (claims.length === 0) {
        lane.restsUntil = performance.now() + REST_MS;
        this.#pollIn(0);
      }
      lane.failed = false;
      this.#failures = 0;
    } catch (error) {
      lane.failed = true;
      this.#pollIn(this.#backOff(error, `could not claim from queue ${lane.queue}`));
    }
  }

  #start(lane: Lane, claim: Claim): void {
    lane.running += 1;
    void this.#options.run(claim).finally(() => {
      lane.running -= 1;
      this.#fillSoon();
    });
  }

  #backOff(error: unknown, what: string): number {
    this.#failures += 1;
    this.#options.log.warn({ err: error, failures: this.#failures }, what);
    return Math.min(RETRY_MAX_MS, 100 * 2 ** this.#failures);
  }
}
