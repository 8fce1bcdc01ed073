import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Log } from '../../../log.ts';
import { describeEnd } from '../child-failures.ts';
import type { FromChild, ToChild } from '../messages.ts';

const isSource = import.meta.url.endsWith('.ts');
const PROGRAM = fileURLToPath(new URL(isSource ? '../child/main.ts' : '../child/main.js', import.meta.url));
// In a checkout a child finds `lovage` where this process does.
const SOURCE = '--conditions=lovage-source';
const QUICK_IMPORTS = `--import=${new URL('../../../../bin/quick-imports.js', import.meta.url).href}`;
const EXEC_ARGV = [
  ...process.execArgv,
  ...(isSource && !process.execArgv.includes(SOURCE) ? [SOURCE] : []),
  QUICK_IMPORTS,
];

/** What a handler says through us is far less: this is somebody who writes to the channel by himself. */
const MAX_UNASKED_A_SECOND = 5_000;
/** Between the end of a process and the end of its channel, whichever comes first. */
const LAST_WORDS_MS = 1_000;

export interface ChannelOptions {
  log: Log;
  onMessage: (message: FromChild) => void;
}

/** A child process and the channel to it, until both are gone. What goes wrong on it ends this child and nothing else. */
export class Channel {
  /** Resolves with how the process ended, once it is gone and all that it said has been heard. Never rejects. */
  readonly gone: Promise<string>;
  readonly #process: ChildProcess;
  readonly #options: ChannelOptions;
  #killedAs: string | undefined;
  #isGone = false;
  #second = 0;
  #heard = 0;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#process = fork(PROGRAM, {
      execArgv: EXEC_ARGV,
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.gone = this.#watch();
    this.#process.on('message', this.#hear);
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** A child that is gone is told nothing. @throws DataCloneError for what cannot be sent. */
  tell(message: ToChild): void {
    this.#heard = 0;
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  /** SIGKILL. The first reason is the one that is told. */
  kill(why: string): void {
    this.#killedAs ??= why;
    this.#process.kill('SIGKILL');
  }

  #watch(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const child = this.#process;
    const end = (how: string) => {
      this.#isGone = true;
      resolve(how);
    };
    child.once('exit', (code, signal) => {
      const finish = () => end(describeEnd(code, signal, this.#killedAs));
      if (!child.connected) return finish();
      const timer = setTimeout(finish, LAST_WORDS_MS);
      child.once('disconnect', () => {
        clearTimeout(timer);
        finish();
      });
    });
    child.once('disconnect', () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      // Its end follows, unless its event loop is busy or its handler is in the way.
      const timer = setTimeout(() => this.kill('it closed its channel and went on'), LAST_WORDS_MS);
      child.once('exit', () => clearTimeout(timer));
    });
    child.on('error', (error) => {
      this.#options.log.warn({ err: error }, 'a child process could not be reached');
      if (child.pid === undefined) end(error.message);
    });
    return promise;
  }

  readonly #hear = (message: unknown): void => {
    if (this.#isFlooded()) return this.kill('it flooded its channel');
    try {
      // A library in it may say things of its own: whoever listens knows what it asked for.
      if (typeof message === 'object' && message !== null) this.#options.onMessage(message as FromChild);
    } catch (error) {
      this.#options.log.warn({ err: error }, 'a child process said what makes no sense');
      this.kill('it said what makes no sense');
    }
  };

  #isFlooded(): boolean {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#heard = 0;
    }
    this.#heard += 1;
    return this.#heard > MAX_UNASKED_A_SECOND;
  }
}
