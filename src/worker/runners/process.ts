import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Log } from '../../log.ts';
import type { Attempt, Runner } from '../attempt.ts';
import { ChildDied } from './child-failures.ts';
import type { FromChild, ToChild } from './messages.ts';
import { unpackError } from './send-error.ts';

const isSource = import.meta.url.endsWith('.ts');
const CHILD = fileURLToPath(new URL(isSource ? './child.ts' : './child.js', import.meta.url));
// In a checkout a child finds `lovage` where this process does.
const SOURCE = '--conditions=lovage-source';
const EXEC_ARGV = [...process.execArgv, ...(isSource && !process.execArgv.includes(SOURCE) ? [SOURCE] : [])];

/**
 * Runs handlers in child processes, one attempt in each at a time: for work that keeps a CPU busy. Children
 * are kept warm; there are at most as many as the machine has CPUs, and further attempts wait their turn.
 */
export function createProcessRunner(options: {
  configFile: string;
  databaseUrl: string;
  log: Log;
  max?: number;
}): Runner & { warm(): Promise<void> } {
  const max = options.max ?? Math.max(2, availableParallelism());
  const idle: ChildProcess[] = [];
  const waiting: (() => void)[] = [];
  const children = new Set<ChildProcess>();
  let starting = 0;
  let isClosing = false;

  async function spawn(): Promise<ChildProcess> {
    starting += 1;
    try {
      const child = fork(CHILD, {
        execArgv: EXEC_ARGV,
        serialization: 'advanced',
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      children.add(child);
      child.once('exit', () => {
        children.delete(child);
        const at = idle.indexOf(child);
        if (at >= 0) idle.splice(at, 1);
        waiting.shift()?.();
      });
      child.on('error', (error) => options.log.warn({ err: error }, 'a child process could not be reached'));
      await opened(child, options);
      return child;
    } finally {
      starting -= 1;
    }
  }

  async function acquire(signal: AbortSignal): Promise<ChildProcess> {
    for (;;) {
      if (signal.aborted) {
        // The turn that woke it is the next one's.
        waiting.shift()?.();
        throw signal.reason;
      }
      const warm = idle.pop();
      if (warm) return warm;
      if (children.size + starting < max) return spawn();
      await turn(signal);
    }
  }

  /** Resolves when a child may have come free, or when the attempt is told to stop. */
  async function turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const leave = () => {
      const at = waiting.indexOf(resolve);
      if (at >= 0) waiting.splice(at, 1);
      resolve();
    };
    waiting.push(resolve);
    signal.addEventListener('abort', leave, { once: true });
    await promise;
    signal.removeEventListener('abort', leave);
  }

  function release(child: ChildProcess): void {
    // One that has just ended may still count as connected.
    if (children.has(child) && child.connected) idle.push(child);
    waiting.shift()?.();
  }

  return {
    async warm() {
      try {
        release(await spawn());
      } catch (error) {
        if (!isClosing) throw error;
      }
    },
    async run(definition, attempt, input) {
      const child = await acquire(attempt.signal);
      try {
        return { output: await runIn(child, definition.name, attempt, input) };
      } finally {
        release(child);
      }
    },
    kill: () => false,
    async close() {
      isClosing = true;
      await Promise.all([...children].map(ended));
    },
  };
}

function opened(child: ChildProcess, options: { configFile: string; databaseUrl: string }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once('exit', () => reject(new ChildDied('a child process ended while it loaded the configuration')));
  child.once('message', (message: FromChild) => {
    if (message.type === 'ready') resolve();
    else if (message.type === 'threw') reject(unpackError(message.error));
  });
  tell(child, { type: 'open', configFile: options.configFile, databaseUrl: options.databaseUrl });
  return promise;
}

async function runIn(child: ChildProcess, name: string, attempt: Attempt, input: unknown): Promise<unknown> {
  const { signal, claim, reporter } = attempt;
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const onMessage = (message: FromChild): void => {
    if (message.type === 'progress') reporter.progress(message.progress);
    else if (message.type === 'log') reporter.log(message.message, message.data);
    else if (message.type === 'returned') resolve(message.output);
    else if (message.type === 'threw') reject(unpackError(message.error));
  };
  const onExit = (code: number | null, killedBy: string | null): void => {
    reject(new ChildDied(`the task's process ended (${killedBy ?? `exit code ${code}`})`));
  };
  const onAbort = (): void => {
    const { name: reasonName, message } = signal.reason as Error;
    tell(child, { type: 'stop', reason: { name: reasonName, message } });
  };
  child.on('message', onMessage);
  child.once('exit', onExit);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    attempt.begin();
    tell(child, { type: 'run', id: claim.id, attempt: claim.attempt, name, input });
    if (signal.aborted) onAbort();
    return await promise;
  } finally {
    child.off('message', onMessage);
    child.off('exit', onExit);
    signal.removeEventListener('abort', onAbort);
  }
}

function tell(child: ChildProcess, message: ToChild): void {
  // A child that is gone says so by its exit event.
  if (child.connected) child.send(message, () => undefined);
}

/** Asks it to end; kills it when it does not within a second. */
function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const timer = setTimeout(() => child.kill('SIGKILL'), 1_000);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    tell(child, { type: 'close' });
  });
}
