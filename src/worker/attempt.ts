import type { Claim } from '../queue/claim.ts';
import type { AnyTask } from '../task.ts';
import type { Reporter } from './reporter.ts';

/** Why an attempt was told to stop. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}
export class ShuttingDown extends Error {
  override readonly name = 'ShuttingDown';
}
export class AttemptLost extends Error {
  override readonly name = 'AttemptLost';
}

/** One run of a task while it lasts in this process. */
export class Attempt {
  readonly claim: Claim;
  readonly reporter: Reporter;
  readonly #controller = new AbortController();

  constructor(claim: Claim, reporter: Reporter) {
    this.claim = claim;
    this.reporter = reporter;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The first reason stays. */
  stop(reason: Cancelled | ShuttingDown | AttemptLost): void {
    if (!this.signal.aborted) this.#controller.abort(reason);
  }
}

/** Where a definition's handler runs. Resolves with its output in wire form, rejects with what it threw. */
export interface Runner {
  run(definition: AnyTask, attempt: Attempt, input: unknown): Promise<unknown>;
  close(): Promise<void>;
}
