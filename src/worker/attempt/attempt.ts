import { HOUSEKEEPING_QUEUE } from '../../config.ts';
import type { Claim } from '../../queue/claim.ts';
import type { CancelEnd, Settlement } from '../../queue/settle.ts';
import {
  Cancelled,
  HardTimeLimitExceeded,
  SoftTimeLimitExceeded,
  type StopReason,
} from '../../stop-reasons.ts';
import type { AnyTask } from '../../task.ts';
import type { Traced } from '../../tracing/spans.ts';
import type { StoredTrace } from '../../tracing/trace-context.ts';
import type { Reporter } from '../report/reporter.ts';

/** Why an attempt that goes on is ended without its handler. */
export type Because = 'cancel' | 'time_limit';

export type TimeLimits = Pick<AnyTask, 'softLimitMs' | 'hardLimitMs' | 'cancelGraceMs'>;

export interface AttemptOptions {
  claim: Claim;
  reporter: Reporter;
  limits: TimeLimits;
  /** Called when the handler has not stopped in time. */
  force: (attempt: Attempt, because: Because) => void;
}

/** One run of a task while it lasts in this process, with its clocks. */
export class Attempt {
  readonly claim: Claim;
  readonly reporter: Reporter;
  /** What was done to it when it did not stop by itself: `killed` with its process, or left running as `overdue`. */
  forced: 'killed' | 'overdue' | undefined;
  traced: Traced | undefined;
  /** Resolves when its outcome is written. */
  settled: Promise<void> | undefined;
  readonly #options: AttemptOptions;
  #controller: AbortController | undefined;
  readonly #reasons: StopReason[] = [];
  #limit: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;
  #hasReturned = false;
  #beganAt: number | undefined;
  /** How long its handler has run, once that is over; undefined where it was never called. */
  ranMs: number | undefined;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.claim = options.claim;
    this.reporter = options.reporter;
  }

  /** What the handler watches. Made when somebody looks: few handlers of many do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reasons.length > 0) this.#controller.abort(this.#reasons[0]);
    }
    return this.#controller.signal;
  }

  /** To go on with, where its task belongs to a trace. */
  get trace(): StoredTrace | undefined {
    return this.traced?.trace;
  }

  /** Why it was told to stop, if it was. */
  get stopReason(): StopReason | undefined {
    return this.#reasons[0];
  }

  /** The handler is called: from now on its time counts. */
  begin(): void {
    this.#beganAt = performance.now();
    // One clock at a time: most attempts end before either.
    this.#limit = setTimeout(stopSoftly, this.#options.limits.softLimitMs, this);
  }

  /** Tells the handler to stop, for each reason once; the first is its signal's. */
  stop(reason: StopReason): void {
    if (this.#reasons.some(({ name }) => name === reason.name)) return;
    // One that has returned, and whose outcome is not written yet, is not waited for.
    if (reason instanceof Cancelled && !this.#hasReturned) {
      this.#grace = setTimeout(() => this.#options.force(this, 'cancel'), this.#options.limits.cancelGraceMs);
    }
    this.#reasons.push(reason);
    this.#controller?.abort(reason);
  }

  /** The handler has returned. */
  end(): void {
    this.#hasReturned = true;
    if (this.#beganAt !== undefined) this.ranMs = performance.now() - this.#beganAt;
    clearTimeout(this.#limit);
    clearTimeout(this.#grace);
  }

  get hardLimitMs(): number {
    return this.#options.limits.hardLimitMs;
  }

  /** The reason of this kind for which it was told to stop. */
  toldTo<Reason extends StopReason>(kind: new (message: string) => Reason): Reason | undefined {
    return this.#reasons.find((reason): reason is Reason => reason instanceof kind);
  }

  /** How it ended, should its end be a cancel; it obeyed where nothing is said. */
  get cancelEnd(): CancelEnd | undefined {
    if (this.forced === undefined) return undefined;
    return this.forced === 'killed' ? 'killed' : 'abandoned';
  }

  /** Its soft limit is over: the hard one begins. */
  exceedSoftLimit(): void {
    const { softLimitMs, hardLimitMs } = this.#options.limits;
    this.#limit = setTimeout(stopHard, hardLimitMs - softLimitMs, this);
    this.stop(new SoftTimeLimitExceeded(`the attempt has run for its soft limit of ${softLimitMs} ms`));
  }

  exceedHardLimit(): void {
    const { hardLimitMs } = this.#options.limits;
    this.stop(new HardTimeLimitExceeded(`the attempt has run for its hard limit of ${hardLimitMs} ms`));
    this.#options.force(this, 'time_limit');
  }
}

const stopSoftly = (attempt: Attempt): void => attempt.exceedSoftLimit();
const stopHard = (attempt: Attempt): void => attempt.exceedHardLimit();

/** What a handler returned, not yet checked, and how it wants its success recorded. */
export interface Returned {
  output: unknown;
  /** Where the handler has writes of its own to commit with its success. */
  settle?: SettleAlone;
  /** Lets go of what `settle` needs: called when that is over, or not wanted after all. */
  release?: () => void;
}

/**
 * Records a success and the handler's own writes in one transaction. Resolves with the task's new state, or with null if the
 * fence refused the attempt. `limitMs` is how long the writes may take.
 * @throws WriteFailed with what the writes threw, ChildDied, or what Postgres says.
 */
export type SettleAlone = (
  settlement: Settlement,
  by: { workerId: string; limitMs: number },
) => Promise<string | null>;

/** Where a definition's handler runs. */
export interface Runner {
  /** Calls the handler, after `attempt.begin()`. Rejects with what it threw. */
  run(definition: AnyTask, attempt: Attempt, input: unknown): Promise<Returned>;
  /** Ends the attempt's own process at once; its `run` rejects then. False where it has none of its own. */
  kill(attempt: Attempt): boolean;
  close(): Promise<void>;
}

export type Runners = Record<AnyTask['isolation'], Runner>;

/**
 * A task whose process has died once runs in a process of its own, so that its neighbours are not blamed. Lovage's own ones,
 * which no child knows, stay here.
 */
export const runnerOf = (runners: Runners, definition: AnyTask, { claim }: Attempt): Runner =>
  runners[claim.crashes > 0 && claim.queue !== HOUSEKEEPING_QUEUE ? 'process' : definition.isolation];
