import type { Listener } from '../../db/listen.ts';
import type { Log } from '../../log.ts';
import type { Claim, Claims } from '../../queue/claim.ts';
import type { QueueReadiness } from '../../queue/due.ts';
import { Lane, POLL_MS } from './lane.ts';

const RETRY_MAX_MS = 5_000;
const STALE_MS = 10_000;

export interface DispatcherOptions {
  /** Queues to serve, each with the most slots it may hold in this worker. */
  queues: ReadonlyMap<string, number>;
  slots: number;
  /** Queues that have slots of their own beside those. */
  apart?: ReadonlyMap<string, number>;
  claim: Claims['claim'];
  /** Runs an attempt; its slot is free again when this resolves. Never rejects. */
  run: (claim: Claim) => Promise<void>;
  nextDue: (queues: readonly string[]) => Promise<QueueReadiness[]>;
  /** Tells the other workers that a queue has room for work under its limits, which this one cannot take. */
  offer: (queue: string) => void;
  listener: Listener;
  log: Log;
}

/**
 * Keeps the slots full: one claim per queue for as many tasks as slots are free, again as soon as some come free.
 * While a claim is under way the slots that come free add up, so claims are large under load and immediate
 * when idle.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #lanes: Lane[];
  /** Those that share the slots. */
  readonly #sharing: Lane[];
  readonly #claiming = new Set<Promise<void>>();
  #poll: NodeJS.Timeout | undefined;
  #pollAt = Infinity;
  #fillQueued = false;
  #failures = 0;
  #lookedAt = -Infinity;
  #stopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const lanesOf = (queues: Iterable<[string, number]>) =>
      Array.from(queues, ([queue, limit]) => new Lane(queue, limit));
    this.#sharing = lanesOf(options.queues);
    this.#lanes = [...this.#sharing, ...lanesOf(options.apart ?? [])];
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

  /** A task of the queue has ended: where it has limits, that makes room for another. */
  makeRoom(queue: string): void {
    const lane = this.#laneOf(queue);
    if (!lane?.isLimited) return;
    lane.makeRoom();
    if (this.#stopped) this.#offerRoom();
    else this.#fillSoon();
  }

  /** Claims no more; resolves when the claims under way have come back and their tasks are started. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#options.listener.off('lovage_ready', this.#onReady);
    this.#options.listener.off('connected', this.#onConnected);
    clearTimeout(this.#poll);
    await Promise.all(this.#claiming);
    this.#offerRoom();
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
    const lane = this.#laneOf(queue);
    if (!lane) return;
    lane.notify();
    this.#fillSoon();
  };

  #laneOf(queue: string): Lane | undefined {
    return this.#lanes.find((lane) => lane.queue === queue);
  }

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
      for (const readiness of await this.#options.nextDue(this.#lanes.map(({ queue }) => queue))) {
        const lane = this.#laneOf(readiness.queue);
        if (lane) nextMs = Math.min(nextMs, lane.see(readiness));
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
    let free = this.#options.slots - this.#sharing.reduce((sum, lane) => sum + lane.running + lane.asked, 0);
    const eager = this.#sharing.filter((lane) => lane.mayClaim).sort((a, b) => a.running - b.running);
    for (const [index, lane] of eager.entries()) {
      const share = Math.min(lane.limit - lane.running, Math.ceil(free / (eager.length - index)));
      if (share <= 0) break;
      free -= share;
      this.#claimInto(lane, share);
    }
    for (const lane of this.#lanes.slice(this.#sharing.length)) {
      if (lane.mayClaim) this.#claimInto(lane, lane.limit - lane.running);
    }
    for (const lane of this.#lanes) {
      if (lane.mayHaveWork && lane.opensInMs > 0) this.#pollIn(lane.opensInMs + 1);
    }
    this.#offerRoom();
  }

  /** What this worker has no slots for, others may have. */
  #offerRoom(): void {
    for (const lane of this.#lanes) {
      if (!lane.hasRoom || lane.asked > 0) continue;
      lane.hasRoom = false;
      if (lane.opensInMs === 0) this.#options.offer(lane.queue);
    }
  }

  #claimInto(lane: Lane, share: number): void {
    lane.ask(share);
    const claiming = this.#claim(lane, share).finally(() => {
      lane.asked = 0;
      this.#claiming.delete(claiming);
      this.#fillSoon();
    });
    this.#claiming.add(claiming);
  }

  async #claim(lane: Lane, share: number): Promise<void> {
    try {
      const tasks = lane.hear(await this.#options.claim(lane.queue, share), share);
      for (const task of tasks) this.#start(lane, task);
      if (tasks.length === 0) this.#pollIn(0);
      this.#failures = 0;
    } catch (error) {
      lane.fail();
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
