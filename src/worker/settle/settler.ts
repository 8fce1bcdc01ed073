import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { isPassing, retryConflicts } from '../../db/failures.ts';
import type { Log } from '../../log.ts';
import type { WorkMetrics } from '../../metrics/work.ts';
import { settleAttempts, wasSettled, type Settled, type Settlement } from '../../queue/settle.ts';

const LANES = 2;
const MAX_GROUP = 200;
const MAX_PENDING = 2_000;
const RETRY_MAX_MS = 5_000;

interface Waiting {
  settlement: Settlement;
  done: (state: string | null) => void;
}

/**
 * Writes outcomes, many in one transaction, on two lanes that overlap with each other and with claims. An outcome
 * that could not be written is tried again until it is written or the fence has refused it.
 */
export class Settler {
  readonly #pool: pg.Pool;
  readonly #workerId: string;
  readonly #log: Log;
  readonly #work: WorkMetrics;
  readonly #waiting = new Map<string, Waiting[]>();
  #busy = 0;
  #pending = 0;
  #startQueued = false;
  #closed = new AbortController();

  constructor(pool: pg.Pool, workerId: string, log: Log, work: WorkMetrics) {
    this.#pool = pool;
    this.#workerId = workerId;
    this.#log = log;
    this.#work = work;
  }

  /** Resolves with the task's new state once it is committed, or with null if the fence refused the attempt. */
  settle(queue: string, settlement: Settlement): Promise<string | null> {
    this.#pending += 1;
    return new Promise((resolve) => {
      const group = this.#waiting.get(queue) ?? [];
      const done = (state: string | null): void => {
        this.#pending -= 1;
        resolve(state);
      };
      group.push({ settlement, done });
      this.#waiting.set(queue, group);
      this.#startSoon();
    });
  }

  /** More outcomes wait than can be written soon. */
  get isBehind(): boolean {
    return this.#pending > MAX_PENDING;
  }

  /** Gives up on outcomes that still cannot be written: their tasks are rescued later. */
  close(): void {
    this.#closed.abort();
  }

  /** Attempts that end in one turn of the event loop share a transaction. */
  #startSoon(): void {
    if (this.#startQueued) return;
    this.#startQueued = true;
    setImmediate(() => {
      this.#startQueued = false;
      while (this.#busy < LANES && this.#waiting.size > 0) void this.#runLane();
    });
  }

  async #runLane(): Promise<void> {
    const [next] = this.#waiting;
    if (!next) return;
    const [queue, all] = next;
    // Taken out and, if some are left, put in last: queues take turns.
    this.#waiting.delete(queue);
    const group = all.splice(0, MAX_GROUP);
    if (all.length > 0) this.#waiting.set(queue, all);
    this.#busy += 1;
    await this.#writeUntilDone(queue, group);
    this.#busy -= 1;
    if (this.#waiting.size > 0) this.#startSoon();
  }

  async #writeUntilDone(queue: string, group: Waiting[]): Promise<void> {
    for (let failures = 0; !this.#closed.signal.aborted; failures += 1) {
      try {
        const startedAt = performance.now();
        const settled = await this.#write(queue, group, failures > 0);
        this.#work.wrote(group.length, performance.now() - startedAt);
        const states = new Map(settled.map(({ id, state }) => [id, state]));
        for (const { settlement, done } of group) done(states.get(settlement.id) ?? null);
        return;
      } catch (error) {
        if (!isPassing(error)) return this.#split(queue, group, error);
        this.#log.warn(
          { err: error, queue, attempts: group.length },
          'outcomes could not be written; trying again',
        );
        await this.#rest(Math.min(RETRY_MAX_MS, 100 * 2 ** failures));
      }
    }
    for (const { done } of group) done(null);
  }

  /** Its lane is free meanwhile: what cannot be written in one queue holds up no other. */
  async #rest(ms: number): Promise<void> {
    this.#busy -= 1;
    if (this.#waiting.size > 0) this.#startSoon();
    // Ends early when it is closed.
    await wait(ms, undefined, { signal: this.#closed.signal }).catch(() => undefined);
    this.#busy += 1;
  }

  async #write(queue: string, group: readonly Waiting[], isRepeat: boolean): Promise<Settled[]> {
    const settlements = group.map(({ settlement }) => settlement);
    const settled = await retryConflicts(() =>
      settleAttempts(this.#pool, queue, this.#workerId, settlements),
    );
    if (!isRepeat || settled.length === group.length) return settled;
    // The answer to a COMMIT may have been lost: what is refused now may be what was written then.
    const accepted = new Set(settled.map(({ id }) => id));
    return [
      ...settled,
      ...(await wasSettled(
        this.#pool,
        settlements.filter(({ id }) => !accepted.has(id)),
      )),
    ];
  }

  /** Postgres refused the group for what is in it: halve it until the bad outcome stands alone, and fail that one. */
  async #split(queue: string, group: Waiting[], error: unknown): Promise<void> {
    if (group.length > 1) {
      const half = Math.ceil(group.length / 2);
      await this.#writeUntilDone(queue, group.slice(0, half));
      await this.#writeUntilDone(queue, group.slice(half));
      return;
    }
    const [only] = group;
    if (!only) return;
    this.#log.error(
      { err: error, queue, task: only.settlement.id },
      'Postgres refused the outcome of an attempt',
    );
    const settlement = plainer(only.settlement, error as Error);
    if (!settlement) return only.done(null);
    await this.#writeUntilDone(queue, [{ ...only, settlement }]);
  }
}

/** What is left to say of an attempt: first its lines go, then its outcome. Undefined when even that was refused. */
function plainer(refused: Settlement, { message }: Error): Settlement | undefined {
  const { id, attempt, progress, events } = refused;
  if (progress || events.length > 0) return { ...refused, progress: null, events: [] };
  if (refused.kind === 'failed' && refused.error.code === 'output_invalid') return undefined;
  const fault = { code: 'output_invalid', message: `Postgres refused the outcome: ${message}` };
  return { id, attempt, progress: null, events: [], kind: 'failed', error: fault };
}
