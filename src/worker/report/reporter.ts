import type pg from 'pg';
import { isPassing, retryConflicts } from '../../db/failures.ts';
import type { Log } from '../../log.ts';
import type { Claim } from '../../queue/claim.ts';
import type { Notifier } from '../../queue/notify.ts';
import { reportAttempts, type EventLine, type Report } from '../../queue/settle.ts';
import type { Progress } from '../../task.ts';
import { redactSecrets } from '../../redact.ts';
import { attemptFields } from '../../tracing/log-fields.ts';
import { clean } from '../attempt/describe-error.ts';
import { roundProgress } from './round-progress.ts';
import { storableData } from './storable-data.ts';

/** At most so often a task's live row moves. */
export const EVERY_MS = 250;
/** The same where somebody looks on. */
const WATCHED_EVERY_MS = 100;
export const MAX_PROGRESS_EVENTS = 100;
export const MAX_LOG_EVENTS = 1_000;

interface Line extends Omit<EventLine, 'agoMs'> {
  at: number;
}

/** What one attempt has said and not yet written. */
export class Reporter {
  readonly #claim: Claim;
  readonly #changed: (reporter: Reporter) => void;
  readonly #log: Log;
  #progress: Report['progress'] = null;
  #lines: Line[] = [];
  #seen = new Set<number>();
  #logged = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(claim: Claim, changed: (reporter: Reporter) => void, log: Log) {
    this.#log = log;
    this.#claim = claim;
    this.#changed = changed;
  }

  /** Every distinct `current` is an event, up to 100 an attempt; the rest only moves the live row. */
  progress(progress: Progress): void {
    const { current, total, message } = roundProgress(progress);
    this.#progress = { current, total, message: message === null ? null : clean(message, 1_000) };
    if (!this.#seen.has(this.#progress.current) && this.#seen.size < MAX_PROGRESS_EVENTS) {
      this.#seen.add(this.#progress.current);
      this.#lines.push({ type: 'progress', at: performance.now(), data: { ...this.#progress } });
    }
    this.#changed(this);
  }

  log(message: string, data?: Record<string, unknown>): void {
    this.#logged += 1;
    if (this.#logged > MAX_LOG_EVENTS) return;
    const text = clean(message, 4_000);
    // Its data stays in the history: what is in it, no log should have to know.
    this.#log.info(attemptFields(this.#claim), redactSecrets(text));
    const line = {
      message: text,
      ...(data === undefined ? {} : { data: storableData(data) }),
    };
    this.#lines.push({ type: 'log', at: performance.now(), data: line });
    this.#changed(this);
  }

  get queue(): string {
    return this.#claim.queue;
  }

  get logFields(): Record<string, unknown> {
    return attemptFields(this.#claim);
  }

  get taskId(): string {
    return this.#claim.id;
  }

  /** All that is unwritten, handed over: whoever takes it writes it. */
  take(): Report {
    const now = performance.now();
    const events = this.#lines.map(({ type, data, at }) => ({ type, data, agoMs: now - at }));
    const report = { id: this.#claim.id, attempt: this.#claim.attempt, progress: this.#progress, events };
    this.#progress = null;
    this.#lines = [];
    return report;
  }

  /** Puts back what could not be written, before what came since. */
  giveBack(report: Report): void {
    const now = performance.now();
    this.#progress ??= report.progress;
    this.#lines = [
      ...report.events.map(({ agoMs, ...line }) => ({ ...line, at: now - agoMs })),
      ...this.#lines,
    ];
  }

  /** While this is under way, a settle has to wait: after it the fence would refuse these lines. */
  async written(): Promise<void> {
    await this.#writing;
  }

  during(writing: Promise<void>): void {
    this.#writing = Promise.all([this.#writing, writing]).then(() => undefined);
  }
}

interface Said {
  reporter: Reporter;
  report: Report;
}

/** Writes reports of all running attempts together: the first at once, then a few times a second. */
export class ReportWriter {
  readonly #pool: pg.Pool;
  readonly #notifier: Notifier;
  readonly #log: Log;
  readonly #dirty = new Set<Reporter>();
  #timer: NodeJS.Timeout | undefined;
  #flushAt = Infinity;
  #lastAt = -Infinity;

  constructor(pool: pg.Pool, notifier: Notifier, log: Log) {
    this.#pool = pool;
    this.#notifier = notifier;
    this.#log = log;
  }

  readonly changed = (reporter: Reporter): void => {
    this.#dirty.add(reporter);
    const everyMs = this.#notifier.isWatched(reporter.taskId) ? WATCHED_EVERY_MS : EVERY_MS;
    const at = this.#lastAt + everyMs;
    if (at >= this.#flushAt) return;
    this.#flushAt = at;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#flush, Math.max(0, at - performance.now()));
  };

  /** The attempt ends: what it said goes out with its settle. */
  forget(reporter: Reporter): void {
    this.#dirty.delete(reporter);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  readonly #flush = (): void => {
    this.#lastAt = performance.now();
    this.#flushAt = Infinity;
    const byQueue = Map.groupBy(this.#dirty, (reporter) => reporter.queue);
    this.#dirty.clear();
    for (const [queue, reporters] of byQueue) {
      const writing = this.#write(
        queue,
        reporters.map((reporter) => ({ reporter, report: reporter.take() })),
      );
      for (const reporter of reporters) reporter.during(writing);
    }
  };

  async #write(queue: string, said: readonly Said[]): Promise<void> {
    try {
      const reports = said.map(({ report }) => report);
      const mine = await retryConflicts(() => reportAttempts(this.#pool, queue, reports));
      this.#notifier.changed(mine);
      for (const { reporter } of said) {
        if (!mine.includes(reporter.taskId))
          this.#log.warn(reporter.logFields, 'progress was dropped: the attempt is no longer its own');
      }
    } catch (error) {
      this.#log.warn({ err: error, queue }, 'progress could not be written');
      // It will be written later, or with the settle. Refused, it would be refused again: all but the bad one try alone.
      if (isPassing(error)) said.forEach(({ reporter, report }) => reporter.giveBack(report));
      else if (said.length > 1) await Promise.all(said.map((each) => this.#write(queue, [each])));
    }
  }
}
