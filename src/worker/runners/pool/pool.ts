import type { Log } from '../../../log.ts';
import { ChildUnavailable } from '../child-failures.ts';
import { Child, type ChildOptions } from './child.ts';
import { isWorn, type ChildLimits } from './wear.ts';

export interface PoolOptions extends Omit<ChildOptions, 'onMeasured' | 'watchesMemory'> {
  /** Children that are busy at a time, but for those that run one attempt alone after a crash. */
  max: number;
  /** Children that run one attempt alone, at a time. */
  maxAlone: number;
  limits: ChildLimits;
  log: Log;
}

/** A child for one attempt. */
export interface Held {
  child: Child;
  /** Lets others have it. Repeatable. */
  release: () => void;
}

interface Waiter {
  resolve: (held: Held) => void;
  reject: (error: unknown) => void;
}

/** Children that are kept warm and lent to one attempt at a time, in the order in which they ask. */
export class ChildPool {
  readonly #options: PoolOptions;
  readonly #children = new Set<Child>();
  readonly #leaving = new Set<Child>();
  readonly #idle: Child[] = [];
  readonly #inTurn: Waiter[] = [];
  readonly #alone: Waiter[] = [];
  #busyInTurn = 0;
  #busyAlone = 0;
  #starting = 0;
  #keepsWarm = false;
  #isClosing = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** From now on there is a child for the next attempt before it comes. */
  keepWarm(): void {
    this.#keepsWarm = true;
    this.#refill();
  }

  /** Its children, by what they do. */
  counts(): Record<'idle' | 'busy' | 'starting' | 'leaving', number> {
    return {
      idle: this.#idle.length,
      busy: this.#busyInTurn + this.#busyAlone,
      starting: this.#starting,
      leaving: this.#leaving.size,
    };
  }

  /** @throws the signal's reason, or ChildUnavailable. */
  async take({ signal, isAlone }: { signal: AbortSignal; isAlone: boolean }): Promise<Held> {
    if (this.#isClosing) throw new ChildUnavailable('the worker ends');
    signal.throwIfAborted();
    const waiters = isAlone ? this.#alone : this.#inTurn;
    const { promise, resolve, reject } = Promise.withResolvers<Held>();
    const waiter = { resolve, reject };
    const leave = () => {
      const at = waiters.indexOf(waiter);
      if (at < 0) return;
      waiters.splice(at, 1);
      reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    waiters.push(waiter);
    this.#serve();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#idle.length = 0;
    for (const { reject } of [...this.#alone.splice(0), ...this.#inTurn.splice(0)])
      reject(new ChildUnavailable('the worker ends'));
    await Promise.all([...this.#children, ...this.#leaving].map((child) => child.close()));
  }

  /** Hands out what is idle, and starts what is missing. */
  #serve(): void {
    while (this.#idle.length > 0 && this.#waiting > 0) {
      const child = this.#idle.pop();
      const isAlone = this.#mayRunAlone > 0;
      const waiter = isAlone ? this.#alone.shift() : this.#inTurn.shift();
      if (child && waiter) waiter.resolve(this.#lend(child, isAlone));
    }
    while (this.#starting < this.#waiting) this.#start();
  }

  /** How many of those who wait may have a child now. */
  get #waiting(): number {
    return this.#mayRunAlone + Math.min(this.#inTurn.length, this.#options.max - this.#busyInTurn);
  }

  get #mayRunAlone(): number {
    return Math.min(this.#alone.length, this.#options.maxAlone - this.#busyAlone);
  }

  #lend(child: Child, isAlone: boolean): Held {
    if (isAlone) this.#busyAlone += 1;
    else this.#busyInTurn += 1;
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      if (isAlone) this.#busyAlone -= 1;
      else this.#busyInTurn -= 1;
      this.#offer(child);
    };
    return { child, release };
  }

  #start(): void {
    this.#starting += 1;
    const { limits } = this.#options;
    const onMeasured = (measured: Child) => this.#retireWorn(measured);
    let child: Child;
    try {
      child = new Child({ ...this.#options, watchesMemory: limits.maxMemoryMb !== undefined, onMeasured });
    } catch (error) {
      return this.#notStarted(new ChildUnavailable('a child process could not be started', { cause: error }));
    }
    this.#children.add(child);
    void this.#offerOnceOpen(child);
    void this.#dropOnceGone(child);
  }

  async #offerOnceOpen(child: Child): Promise<void> {
    try {
      await child.opened;
    } catch (error) {
      return this.#notStarted(error);
    }
    this.#starting -= 1;
    this.#offer(child);
  }

  async #dropOnceGone(child: Child): Promise<void> {
    const { limits, log } = this.#options;
    const ageing = limits.maxAgeMs === undefined ? undefined : this.#age(child, limits.maxAgeMs);
    const how = await child.gone;
    clearTimeout(ageing);
    this.#leaving.delete(child);
    if (!this.#drop(child)) return;
    log.warn({ how }, 'an idle child process ended');
    // One that ends before it has run anything would be followed by many of its kind.
    if (child.attempts > 0) this.#refill();
  }

  #notStarted(error: unknown): void {
    // Whoever still waits for it would only wait for the next one that fails.
    if (this.#waiting >= this.#starting) (this.#alone.shift() ?? this.#inTurn.shift())?.reject(error);
    this.#starting -= 1;
    if (!this.#isClosing) this.#options.log.error({ err: error }, 'could not start a child process');
  }

  /** It is free: for the next one, or to be kept, or to be ended. */
  #offer(child: Child): void {
    if (this.#isClosing) return;
    if (child.isGone || isWorn(child, this.#options.limits)) this.#retire(child);
    else this.#idle.push(child);
    this.#serve();
    if (this.#idle.includes(child) && this.#children.size > this.#options.max) this.#retire(child);
    this.#refill();
  }

  #retireWorn(child: Child): void {
    if (!this.#idle.includes(child) || !isWorn(child, this.#options.limits)) return;
    this.#retire(child);
    this.#refill();
  }

  #retire(child: Child): void {
    this.#drop(child);
    if (child.isGone) return;
    this.#leaving.add(child);
    void child.close();
  }

  /** It is lent to nobody any more. True if it was idle. */
  #drop(child: Child): boolean {
    this.#children.delete(child);
    const at = this.#idle.indexOf(child);
    if (at >= 0) this.#idle.splice(at, 1);
    return at >= 0;
  }

  #age(child: Child, maxAgeMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      child.isOld = true;
      this.#retireWorn(child);
    }, maxAgeMs).unref();
  }

  #refill(): void {
    const isShort = this.#idle.length + this.#starting === 0 && this.#children.size < this.#options.max;
    if (this.#keepsWarm && isShort && !this.#isClosing) this.#start();
  }
}
