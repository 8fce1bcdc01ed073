import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import type { Claim } from '../queue/claim.ts';
import type { Notifier } from '../queue/notify.ts';
import type { Outcome } from '../queue/settle.ts';
import type { AnyTask } from '../task.ts';
import { isFinal } from '../wire.ts';
import { Attempt, AttemptLost, Cancelled, type Runner, ShuttingDown } from './attempt.ts';
import { Reporter, type ReportWriter } from './reporter.ts';
import { runAttempt } from './run-attempt.ts';
import type { Settler } from './settler.ts';

export interface AttemptsOptions {
  config: Config;
  runners: Record<AnyTask['isolation'], Runner>;
  reports: ReportWriter;
  settler: Settler;
  notifier: Notifier;
  /** A task of this worker is due again in so many milliseconds. */
  onDelay: (delayMs: number) => void;
  log: Log;
}

/** The attempts that run in this worker, each from its claim until its outcome is written. */
export class Attempts {
  readonly running: ReadonlyMap<string, Attempt>;
  readonly #running = new Map<string, Attempt>();
  readonly #options: AttemptsOptions;

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.running = this.#running;
  }

  /** Resolves when the attempt's slot is free again. Never rejects. */
  readonly run = async (claim: Claim): Promise<void> => {
    const { config, runners, reports, settler } = this.#options;
    const attempt = new Attempt(claim, new Reporter(claim, reports.changed));
    // Reset by hand or rescued while it ran here: the older attempt's handler is told to stop.
    this.#running.get(claim.id)?.stop(new AttemptLost('a later attempt of the task has started'));
    this.#running.set(claim.id, attempt);
    if (claim.cancelRequested) attempt.stop(new Cancelled('the task was cancelled'));
    const settled = this.#settle(attempt, await runAttempt(attempt, config.tasks.get(claim.name), runners));
    // Slots come free as handlers end, not as outcomes are written, unless the writing falls behind.
    if (settler.isBehind) await settled;
  };

  /** Others took this worker for dead: they run its tasks again. */
  lose(): void {
    this.#options.log.error('others took this worker for dead: its attempts are no longer its own');
    for (const attempt of this.#running.values())
      attempt.stop(new AttemptLost('the worker was taken for dead'));
  }

  /** Tells every handler to stop, since the worker ends. */
  stop(): void {
    for (const attempt of this.#running.values())
      attempt.stop(new ShuttingDown('its worker is shutting down'));
  }

  /** Gives back what did not stop, at no cost to its retries. */
  async handBack(): Promise<void> {
    const left = [...this.#running.values()];
    const outcome: Outcome = { kind: 'handed_back', reason: 'its worker is shutting down', delayMs: 0 };
    await Promise.all(left.map((attempt) => this.#settle(attempt, outcome)));
  }

  async #settle(attempt: Attempt, outcome: Outcome): Promise<void> {
    const { claim, reporter } = attempt;
    const { reports, settler, notifier, onDelay, log } = this.#options;
    reports.forget(reporter);
    await reporter.written();
    const state = await settler.settle(claim.queue, { ...reporter.take(), ...outcome });
    if (this.#running.get(claim.id) === attempt) this.#running.delete(claim.id);
    if (state === null) {
      const { id: task, attempt: number } = claim;
      log.warn({ task, attempt: number }, 'the outcome was dropped: the attempt is no longer its own');
    } else if (isFinal(state)) {
      notifier.final([claim.id]);
    } else if ('delayMs' in outcome) {
      onDelay(outcome.delayMs);
    }
  }
}
