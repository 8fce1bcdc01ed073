import type pg from 'pg';
import type { Config } from '../../config.ts';
import { retryConflicts } from '../../db/failures.ts';
import type { Log } from '../../log.ts';
import type { WorkMetrics } from '../../metrics/work.ts';
import type { Claim } from '../../queue/claim.ts';
import type { Notifier } from '../../queue/notify.ts';
import { markOverdue } from '../../queue/overdue.ts';
import type { Outcome } from '../../queue/settle.ts';
import { AttemptLost, Cancelled, ShuttingDown } from '../../stop-reasons.ts';
import type { AnyTask } from '../../task.ts';
import { isFinal } from '../../wire.ts';
import { Attempt, runnerOf, type Because, type Runners, type TimeLimits } from './attempt.ts';
import { recordSuccess } from '../settle/record-success.ts';
import { Reporter, type ReportWriter } from '../report/reporter.ts';
import { outcomeOf, runAttempt, type Ended } from './run-attempt.ts';
import { attemptFields } from '../../tracing/log-fields.ts';
import { traceAttempt } from '../../tracing/spans.ts';
import type { Settler } from '../settle/settler.ts';

export interface AttemptsOptions {
  config: Config;
  runners: Runners;
  reports: ReportWriter;
  settler: Settler;
  notifier: Notifier;
  pool: pg.Pool;
  workerId: string;
  work: WorkMetrics;
  /** A task of this worker is due again in so many milliseconds. */
  onDelay: (delayMs: number) => void;
  /** An attempt of this queue has ended, and that is committed. */
  onSettled: (queue: string) => void;
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
    const { config, runners, reports, settler, notifier, work } = this.#options;
    const definition = config.tasks.get(claim.name);
    const attempt = new Attempt({
      claim,
      reporter: new Reporter(claim, reports.changed, this.#options.log),
      limits: limitsOf(claim, definition),
      force: this.#force,
    });
    // Reset by hand or rescued while it ran here: the older attempt is ended.
    const older = this.#running.get(claim.id);
    if (older) this.#drop(older, new AttemptLost('a later attempt of the task has started'));
    this.#running.set(claim.id, attempt);
    work.began(claim.name, claim.waitMs);
    notifier.changed([claim.id]);
    if (claim.cancelRequested) attempt.stop(new Cancelled('the task was cancelled'));
    const traced = traceAttempt(claim);
    attempt.traced = traced;
    const ended = traced.within(() => runAttempt(attempt, definition, runners));
    const settled = this.#settleOnce(attempt, ended);
    attempt.settled = settled;
    await ended;
    work.ran(claim.name, attempt.ranMs);
    // Slots come free as handlers end, not as outcomes are written, unless the writing falls behind.
    if (settler.isBehind) await settled;
  };

  /** Others take this worker for dead, or soon will: they run its tasks again. */
  lose(why: string): void {
    this.#options.log.error({ attempts: this.#running.size }, `${why}: its attempts are no longer its own`);
    for (const attempt of this.#running.values()) this.#drop(attempt, new AttemptLost(why));
  }

  /** Tells every handler to stop, since the worker ends. */
  stop(): void {
    for (const attempt of this.#running.values())
      attempt.stop(new ShuttingDown('its worker is shutting down'));
  }

  /**
   * Gives back what did not stop, at no cost to its retries; what was past its hard limit has failed by it. Processes are ended
   * first; what runs on in this one ends with it, within `delayMs`.
   */
  async handBack(delayMs: number): Promise<void> {
    const left = [...this.#running.values()];
    await Promise.all(
      left.map(async (attempt) => {
        if (this.#kill(attempt)) return attempt.settled;
        const definition = this.#options.config.tasks.get(attempt.claim.name) ?? { backoff: {} };
        const outcome = outcomeOf(attempt.stopReason, attempt, definition);
        // Not beside what runs on.
        if ('delayMs' in outcome) outcome.delayMs = Math.max(outcome.delayMs, delayMs);
        await this.#settle(attempt, { outcome });
      }),
    );
  }

  #drop(attempt: Attempt, reason: AttemptLost): void {
    attempt.stop(reason);
    this.#kill(attempt);
  }

  #kill(attempt: Attempt): boolean {
    const { config, runners } = this.#options;
    const definition = config.tasks.get(attempt.claim.name);
    return definition !== undefined && runnerOf(runners, definition, attempt).kill(attempt);
  }

  /** A handler that goes on is killed with its process, or marked, where it shares this one's. */
  readonly #force = (attempt: Attempt, because: Because): void => {
    const { pool, log } = this.#options;
    const { id, attempt: number, queue } = attempt.claim;
    const isKilled = this.#kill(attempt);
    log.warn(
      { ...attemptFields(attempt.claim), because },
      isKilled ? 'killed' : 'overdue: it cannot be killed',
    );
    if (attempt.forced === undefined) attempt.forced = isKilled ? 'killed' : 'overdue';
    if (isKilled) return;
    retryConflicts(() => markOverdue(pool, queue, [{ id, attempt: number, because }])).catch(
      (error: unknown) =>
        log.warn({ ...attemptFields(attempt.claim), err: error }, 'could not be marked as overdue'),
    );
  };

  async #settleOnce(attempt: Attempt, running: Promise<Ended>): Promise<void> {
    await this.#settle(attempt, await running);
  }

  async #settle(attempt: Attempt, ended: Ended): Promise<void> {
    const { claim, reporter } = attempt;
    const { reports, notifier, work, onDelay, onSettled, log } = this.#options;
    reports.forget(reporter);
    // Writes of the handler's own may turn a success into a failure.
    if (!ended.settle) endTrace(attempt, ended.outcome);
    await reporter.written();
    const { state, outcome } = await this.#record(attempt, ended);
    endTrace(attempt, outcome);
    work.settled(claim.name, outcome, state);
    if (this.#running.get(claim.id) === attempt) this.#running.delete(claim.id);
    if (state === null) {
      log.warn(attemptFields(claim), 'the outcome was dropped: the attempt is no longer its own');
      return;
    }
    if ('error' in outcome)
      log.info({ ...attemptFields(claim), state, code: outcome.error.code }, 'an attempt failed');
    onSettled(claim.queue);
    notifier.changed([claim.id]);
    if (isFinal(state)) notifier.final([claim.id]);
    else if ('delayMs' in outcome) onDelay(outcome.delayMs);
  }

  async #record(
    attempt: Attempt,
    { outcome, settle, release }: Ended,
  ): Promise<{ state: string | null; outcome: Outcome }> {
    const { settler, config, pool, workerId, log } = this.#options;
    const { claim, reporter } = attempt;
    const said = { ...reporter.take(), cancelEnd: attempt.cancelEnd };
    const definition = config.tasks.get(claim.name);
    if (settle && definition && outcome.kind === 'succeeded') {
      const recorded = await recordSuccess({
        settle,
        settlement: { ...said, ...outcome },
        attempt,
        definition,
        pool,
        workerId,
        log,
      }).finally(release);
      if ('state' in recorded) return { state: recorded.state, outcome };
      outcome = recorded.outcome;
    }
    return { state: await settler.settle(claim.queue, { ...said, ...outcome }), outcome };
  }
}

function endTrace({ traced }: Attempt, outcome: Outcome): void {
  const error = 'error' in outcome ? outcome.error.code : undefined;
  traced?.end({ 'lovage.outcome': outcome.kind }, error);
}

/** What the caller asked for goes before what the definition says. One that is not known here is not run. */
function limitsOf({ softLimitMs, hardLimitMs }: Claim, definition: AnyTask | undefined): TimeLimits {
  return {
    softLimitMs: softLimitMs ?? definition?.softLimitMs ?? 0,
    hardLimitMs: hardLimitMs ?? definition?.hardLimitMs ?? 0,
    cancelGraceMs: definition?.cancelGraceMs ?? 0,
  };
}
