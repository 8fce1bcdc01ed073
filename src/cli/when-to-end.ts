import type { Log } from '../log.ts';
import { outgrows } from '../worker/upkeep/memory-watch.ts';
import { wholeNumber } from './arguments.ts';

const OUTGROWN_EXIT_CODE = 3;
/** Node and Lovage need more by themselves. */
const LEAST_MB = 64;

export const MEMORY_FLAG = { 'max-memory': { type: 'string' } } as const;
export const MEMORY_HELP: readonly [flag: string, meaning: string][] = [
  ['--max-memory MB', 'end with code 3 once it uses more, for its supervisor to start a fresh one'],
];

export const readMaxMemory = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : wholeNumber(text, '--max-memory', LEAST_MB, 1_048_576);

/** Resolves with the exit code when a worker is to end: by a signal, or since it has outgrown its memory. */
export function whenToEnd(worker: {
  stopped: Promise<unknown>;
  maxMemoryMb: number | undefined;
  log: Log;
}): Promise<number> {
  const { stopped, maxMemoryMb, log } = worker;
  const isTold = stopped.then(() => 0);
  if (maxMemoryMb === undefined) return isTold;
  return Promise.race([isTold, outgrows(maxMemoryMb, log).then(() => OUTGROWN_EXIT_CODE)]);
}
