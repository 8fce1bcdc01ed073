import { Counter, type Registry } from 'prom-client';
import { Distribution, GROUP_SIZES, TASK_SECONDS, CALL_SECONDS } from './distribution.ts';
import { show } from './show.ts';
import { OTHER, Tally } from './tally.ts';

/** What becomes of tasks in one worker. */
const ENDS = ['succeeded', 'failed', 'cancelled'];

/** Numbers of a worker, that only its own process knows. Counted in memory: nothing here asks Postgres. */
export class WorkMetrics {
  readonly #names: ReadonlySet<string>;
  readonly #finished: Tally;
  readonly #retries: Tally;
  readonly #crashes: Tally;
  readonly #dropped: Tally;
  readonly #wait: Distribution;
  readonly #run: Distribution;
  readonly #rescued: Tally;
  readonly #claims: Tally;
  readonly #claimed: Tally;
  readonly #settleSizes: Distribution;
  readonly #settleSeconds: Distribution;
  readonly #leasesLost: Counter;
  readonly #registry: Registry;

  constructor(registry: Registry, names: Iterable<string>) {
    this.#registry = registry;
    this.#names = new Set(names);
    const tally = (name: string, help: string, ...labels: string[]) =>
      new Tally({ name, help, labels, registry });
    const seconds = (name: string, help: string, buckets: readonly number[], ...labels: string[]) =>
      new Distribution({ name, help, labels, buckets, registry });
    this.#finished = tally(
      'lovage_tasks_finished_total',
      'Tasks that ended in this worker',
      'name',
      'outcome',
    );
    this.#retries = tally('lovage_task_retries_total', 'Attempts that failed and are made again', 'name');
    this.#crashes = tally(
      'lovage_task_crashes_total',
      'Attempts whose process died under them: a child of this worker, or a worker whose tasks it took over',
      'name',
    );
    this.#dropped = tally(
      'lovage_task_outcomes_dropped_total',
      'Outcomes that the fence refused: the attempt was no longer its own',
      'name',
    );
    this.#wait = seconds(
      'lovage_task_wait_seconds',
      'From when an attempt was due until it was claimed',
      TASK_SECONDS,
      'name',
    );
    this.#run = seconds(
      'lovage_task_run_seconds',
      'From the call of a handler to its end',
      TASK_SECONDS,
      'name',
    );
    this.#rescued = tally(
      'lovage_tasks_rescued_total',
      'Tasks that this worker took over from lost ones',
      'cause',
    );
    this.#claims = tally('lovage_claims_total', 'Claims, by what they brought', 'queue', 'result');
    this.#claimed = tally('lovage_claimed_tasks_total', 'Attempts that were claimed', 'queue');
    this.#settleSizes = seconds('lovage_settle_tasks', 'Outcomes that were written together', GROUP_SIZES);
    this.#settleSeconds = seconds(
      'lovage_settle_seconds',
      'How long it took Postgres to take a group of outcomes',
      CALL_SECONDS,
    );
    this.#leasesLost = new Counter({
      name: 'lovage_lease_losses_total',
      help: 'Times that others took this worker for dead, or were about to',
      registers: [registry],
    });
    // A rise from nothing to one is seen only where the zero was.
    for (const name of this.#names) {
      for (const outcome of ENDS) this.#finished.add(name, outcome, 0);
      for (const count of [this.#retries, this.#crashes, this.#dropped]) count.add(name, '', 0);
    }
    for (const cause of ['crash', 'silence']) this.#rescued.add(cause, '', 0);
  }

  claimed(queue: string, tasks: number, asked: number): void {
    this.#claims.add(queue, tasks === 0 ? 'empty' : tasks < asked ? 'partial' : 'full');
    if (tasks > 0) this.#claimed.add(queue, '', tasks);
  }

  claimFailed(queue: string): void {
    this.#claims.add(queue, 'failed');
  }

  began(name: string, waitMs: number): void {
    this.#wait.record(Math.max(0, waitMs) / 1000, this.#known(name));
  }

  /** The handler is over; undefined where it was never called. */
  ran(name: string, ms: number | undefined): void {
    if (ms !== undefined) this.#run.record(ms / 1000, this.#known(name));
  }

  /** How the attempt ended, and what the task is now: null where the fence refused the outcome. */
  settled(name: string, outcome: { kind: string; isCrash?: true }, state: string | null): void {
    const known = this.#known(name);
    if (outcome.isCrash || outcome.kind === 'crashed') this.#crashes.add(known);
    if (state === null) this.#dropped.add(known);
    else if (ENDS.includes(state)) this.#finished.add(known, state);
    else if (outcome.kind === 'retrying') this.#retries.add(known);
  }

  wrote(tasks: number, ms: number): void {
    this.#settleSizes.record(tasks);
    this.#settleSeconds.record(ms / 1000);
  }

  /** A task of a lost worker, which can count no more: what it leaves is counted here, and so is an end that the rescue brought. */
  rescued({ name, isCrash, state }: { name: string; isCrash: boolean; state: string }): void {
    const known = this.#known(name);
    this.#rescued.add(isCrash ? 'crash' : 'silence');
    if (isCrash) this.#crashes.add(known);
    if (ENDS.includes(state)) this.#finished.add(known, state);
  }

  lostLease(): void {
    this.#leasesLost.inc();
  }

  /** Shown as it is when somebody asks. */
  watch(state: { running: () => number; slots: number; children: () => Record<string, number> }): void {
    const { running, slots, children } = state;
    const gauge = (name: string, help: string, value: () => number): void =>
      show(this.#registry, { name, help, fill: (shown) => shown.set(value()) });
    gauge('lovage_slots', 'Attempts that this worker runs at a time', () => slots);
    gauge('lovage_attempts_running', 'Attempts that run in this worker', running);
    show(this.#registry, {
      name: 'lovage_child_processes',
      help: 'Processes of this worker that run tasks',
      labels: ['state'],
      fill: (shown) => {
        for (const [name, count] of Object.entries(children())) shown.set({ state: name }, count);
      },
    });
  }

  #known(name: string): string {
    return this.#names.has(name) ? name : OTHER;
  }
}
