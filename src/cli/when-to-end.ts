import type { Log } from '../log.ts';
import { outgrows } from '../worker/upkeep/memory-watch.ts';
import { whole } from './options.ts';

const OUTGROWN_EXIT_CODE = 3;
/** Node and Lovage need more by themselves. */
const LEAST_MB = 64;

export const MEMORY_OPTION = {
  'max-memory': whole('MB', 'end with code 3 once it uses more, for its supervisor to start a fresh one', [
    LEAST_MB,
    1_048_576,
  ]),
} as const;

/** Resolves with the exit code when a worker is to end: by a signal, by `workers drain`, or since it has outgrown its memory. */
export function whenToEnd(worker: {
  stopped: Promise<unknown>;
  toldToEnd: Promise<unknown>;
  maxMemoryMb: number | undefined;
  log: Log;
}): Promise<number> {
  const { stopped, toldToEnd, maxMemoryMb, log } = worker;
  const isTold = Promise.race([stopped, toldToEnd]).then(() => 0);
  if (maxMemoryMb === undefined) return isTold;
  return Promise.race([isTold, outgrows(maxMemoryMb, log).then(() => OUTGROWN_EXIT_CODE)]);
}
