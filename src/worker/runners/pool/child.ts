import { deserialize } from 'node:v8';
import { Discard } from '../../../errors.ts';
import type { Log } from '../../../log.ts';
import type { StopReason } from '../../../stop-reasons.ts';
import { MAX_LIMIT_MS } from '../../../task.ts';
import type { Attempt, SettleAlone } from '../../attempt/attempt.ts';
import { ChildDied, ChildUnavailable } from '../child-failures.ts';
import type { FromChild, ToChild } from '../messages.ts';
import { unpackError } from '../send-error.ts';
import { Channel } from './channel.ts';

/** A configuration that is not loaded by then never will be. */
const OPEN_MS = 30_000;
/** Between attempts a child has nothing to do but listen. */
const BEGIN_MS = 30_000;
const CLOSE_MS = 1_000;
/** A success waits that long for a lock before its writes begin, and for Postgres to answer. */
const SETTLE_MORE_MS = 60_000;

export interface ChildOptions {
  configFile: string;
  databaseUrl: string;
  prepares?: boolean | undefined;
  /** Goes over the channel, where no list of processes shows it. */
  secret?: string | undefined;
  watchesMemory: boolean;
  log: Log;
  /** Its memory has been measured. */
  onMeasured: (child: Child) => void;
}

export interface Answer {
  output: unknown;
  hasWrites: boolean;
}

/** What the child was last asked and has not yet answered. */
interface Question {
  hear: (message: FromChild) => void;
  /** It is gone. */
  lost: (how: string) => void;
}

/** A process that runs one attempt at a time. */
export class Child {
  /** Resolves when it can run attempts. @throws ChildUnavailable */
  readonly opened: Promise<void>;
  readonly gone: Promise<string>;
  attempts = 0;
  rssBytes = 0;
  isOld = false;
  readonly #options: ChildOptions;
  readonly #channel: Channel;
  #isOpen = false;
  #tasks: ReadonlySet<string> = new Set();
  #question: Question | undefined;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#channel = new Channel({ log: options.log, onMessage: this.#hear });
    this.gone = this.#channel.gone;
    void this.gone.then((how) => this.#question?.lost(how));
    this.opened = this.#open();
  }

  get isGone(): boolean {
    return this.#channel.isGone;
  }

  /** Calls the handler. @throws what it threw, or ChildDied, or ChildUnavailable where it was not called. */
  async run(name: string, attempt: Attempt, input: unknown): Promise<Answer> {
    if (!this.#tasks.has(name))
      throw new ChildUnavailable(
        `a child process does not know the task "${name}": the configuration differs`,
      );
    const { signal, claim, reporter } = attempt;
    let hasBegun = false;
    const late = setTimeout(() => this.kill('it did not answer'), BEGIN_MS);
    const onAbort = () => this.#stop(signal.reason as StopReason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.attempts += 1;
    try {
      const { id, attempt: number, tenant, queue, requestId } = claim;
      return await this.#ask<Answer>(
        { type: 'run', id, attempt: number, tenant, queue, name, input, trace: attempt.trace, requestId },
        {
          hear(message, resolve) {
            if (message.type === 'began' && !hasBegun) {
              hasBegun = true;
              clearTimeout(late);
              attempt.begin();
            } else if (message.type === 'progress') reporter.progress(message.progress);
            else if (message.type === 'log') reporter.log(message.message, message.data);
            else if (message.type === 'returned')
              resolve({ output: deserialize(message.output), hasWrites: message.hasWrites });
          },
          lost: (how) =>
            hasBegun
              ? new ChildDied(`the task's process ended: ${how}`)
              : new ChildUnavailable(`the process that should have run the task ended: ${how}`),
        },
      );
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Records the success of what has just returned, with its writes. @throws what Postgres or the writes say, or ChildDied. */
  async settle(...[settlement, by]: Parameters<SettleAlone>): Promise<string | null> {
    const lateMs = Math.min(MAX_LIMIT_MS, by.limitMs + SETTLE_MORE_MS);
    const late = setTimeout(() => this.kill('it did not record its success'), lateMs);
    try {
      return await this.#ask<string | null>(
        // As the database will get it: a value of a class says by itself what it is in JSON.
        { type: 'settle', settlement: JSON.stringify(settlement), ...by },
        {
          hear: (message, resolve) => void (message.type === 'settled' && resolve(message.state)),
          lost: (how) => new ChildDied(`the task's process ended before its success was recorded: ${how}`),
        },
      );
    } finally {
      clearTimeout(late);
    }
  }

  kill(why: string): void {
    this.#channel.kill(why);
  }

  /** Asks it to end; kills it when it does not within a second, or has nothing yet that could end in order. */
  async close(): Promise<void> {
    if (!this.#isOpen) this.kill('it was not needed any more');
    const timer = setTimeout(() => this.kill('it did not end'), CLOSE_MS);
    this.#channel.tell({ type: 'close' });
    await this.gone;
    clearTimeout(timer);
  }

  async #open(): Promise<void> {
    const { configFile, databaseUrl, prepares, secret, watchesMemory } = this.#options;
    const late = setTimeout(() => this.kill('it was not ready in time'), OPEN_MS);
    try {
      await this.#ask<void>(
        { type: 'open', configFile, databaseUrl, prepares, secret, watchesMemory },
        {
          hear: (message, resolve) => {
            if (message.type !== 'ready') return;
            this.#tasks = new Set(message.tasks);
            this.#isOpen = true;
            resolve();
          },
          lost: (how) => new Error(how),
        },
      );
    } catch (error) {
      const { message } = error as Error;
      throw new ChildUnavailable(`a child process could not be started: ${message}`, { cause: error });
    } finally {
      clearTimeout(late);
    }
  }

  async #ask<Result>(
    message: ToChild,
    answer: {
      hear: (message: FromChild, resolve: (result: Result) => void) => void;
      lost: (how: string) => Error;
    },
  ): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#question = {
      hear: (said) => (said.type === 'threw' ? reject(unpackError(said.error)) : answer.hear(said, resolve)),
      lost: (how) => reject(answer.lost(how)),
    };
    try {
      if (this.isGone) this.#question.lost(await this.gone);
      this.#send(message);
      return await promise;
    } finally {
      // What it says unasked concerns no attempt.
      this.#question = undefined;
    }
  }

  readonly #hear = (message: FromChild): void => {
    if ('rssBytes' in message) this.rssBytes = message.rssBytes;
    if (message.type === 'memory') this.#options.onMeasured(this);
    else this.#question?.hear(message);
  };

  #send(message: ToChild): void {
    try {
      this.#channel.tell(message);
    } catch (error) {
      const says = 'its input, once parsed, cannot be sent to a process: it is no plain data';
      throw new Discard(says, { code: 'validation', cause: error });
    }
  }

  #stop({ name, message }: StopReason): void {
    this.#channel.tell({ type: 'stop', reason: { name, message } });
  }
}
