import type { Claim, Claimed } from '../../queue/claim.ts';
import type { QueueReadiness } from '../../queue/due.ts';

/** However many notifications get lost, work waits no longer than this. */
export const POLL_MS = 2_000;
/** Work that is there and cannot be claimed is locked by somebody: ask again, but not in a circle. */
const REST_MS = 200;
/** Of notifications for a queue at its limit most are of work that only joins the others that wait. */
const QUIET_MS = 50;

/** A queue as one worker serves it: how much of it runs here, and when to ask for more. */
export class Lane {
  readonly queue: string;
  readonly limit: number;
  running = 0;
  /** Slots that a claim under way has asked for. */
  asked = 0;
  mayHaveWork = false;
  /** A task ended here and made room under the queue's limits, which nobody has claimed since. */
  hasRoom = false;
  isLimited = false;
  /** The last claim failed; it may have taken tasks all the same. */
  #failed = false;
  #asksForRoom = false;
  /** Until then a poll changes nothing. */
  #restsUntil = 0;
  /** Until then a notification changes nothing. */
  #quietUntil = 0;
  /** Until then the queue's rate allows no start. */
  #closedUntil = 0;
  #dueAt = Infinity;

  constructor(queue: string, limit: number) {
    this.queue = queue;
    this.limit = limit;
  }

  get mayClaim(): boolean {
    return this.mayHaveWork && this.asked === 0 && this.running < this.limit && this.opensInMs === 0;
  }

  get opensInMs(): number {
    return Math.max(0, Math.max(this.#quietUntil, this.#closedUntil) - performance.now());
  }

  /** Somebody says that there is work, or room for it. */
  notify(): void {
    this.mayHaveWork = true;
  }

  /** One of its tasks has ended here. */
  makeRoom(): void {
    this.hasRoom = true;
    this.mayHaveWork = true;
    this.#quietUntil = 0;
  }

  /** Takes in what a look at the queue has found; returns when to look again. */
  see({ ready, dueInMs }: QueueReadiness): number {
    const now = performance.now();
    // What has come due may be free to start where all that waited before is not.
    if (now >= this.#dueAt) this.#restsUntil = 0;
    const dueMs = dueInMs === null ? Infinity : Math.max(dueInMs, 0);
    this.#dueAt = now + dueMs;
    if (!ready && !this.#failed) return dueMs + 1;
    const restMs = this.#restsUntil - now;
    if (restMs > 0) return Math.min(restMs, dueMs + 1);
    this.mayHaveWork = true;
    return dueMs + 1;
  }

  ask(share: number): void {
    this.asked = share;
    this.mayHaveWork = false;
    this.#asksForRoom = this.hasRoom;
    this.hasRoom = false;
  }

  /** Takes in the answer to a claim. */
  hear({ tasks, waitMs, isHeld, isLimited }: Claimed, share: number): readonly Claim[] {
    const now = performance.now();
    this.#failed = false;
    this.isLimited = isLimited;
    // A full claim may have left more behind, and room for it; an empty one asks when the next task is due.
    if (tasks.length === share) {
      this.mayHaveWork = true;
      this.hasRoom ||= this.#asksForRoom;
    } else if (waitMs !== null) {
      this.mayHaveWork = true;
      this.#closedUntil = now + waitMs;
    } else if (isHeld) {
      this.#restsUntil = now + POLL_MS;
      if (tasks.length === 0) this.#quietUntil = now + QUIET_MS;
    } else if (tasks.length === 0) {
      this.#restsUntil = now + REST_MS;
    }
    return tasks;
  }

  fail(): void {
    this.#failed = true;
    this.hasRoom ||= this.#asksForRoom;
  }
}
